import PouchCrypto
package import PouchKit
import Synchronization

/// Checks signatures (AWS Signature Version 4) against the secrets of the accounts.
package final class SignatureVerifier: Sendable {
    /// AWS refuses what is further off.
    package static let largestSkew: Duration = .seconds(15 * 60)

    private struct KeyName: Hashable {
        let secret: Secret
        let scope: CredentialScope
    }

    /// Signing keys live for a day of one region and service: deriving them again for each request would cost four HMACs.
    private let signingKeys = Mutex<[KeyName: [UInt8]]>([:])

    package init() {}

    /// - Parameter payloadHash: The last line of the canonical request.
    /// - Throws: `SignatureProblem` `.skewed`, `.notNow`, `.unsignedHeaders`, `.mismatch`.
    package func verify(
        _ claim: SignatureClaim,
        of request: IncomingRequest,
        secret: Secret,
        payloadHash: String,
        pathStyle: CanonicalRequest.PathStyle
    ) throws(SignatureProblem) {
        try checkTime(of: claim, at: request.received)
        try checkCoverage(of: claim, request: request)
        let canonical = CanonicalRequest(
            of: request, signedHeaders: claim.signedHeaders, payloadHash: payloadHash, pathStyle: pathStyle,
            excludedParameter: claim.form == .header ? nil : "X-Amz-Signature")
        let stringToSign = [
            "AWS4-HMAC-SHA256", claim.timeText, claim.scope.description, SHA256Hasher.digest(of: canonical.text).description,
        ].joined(separator: "\n")
        guard ConstantTime.isEqual(signature(of: stringToSign, secret: secret, scope: claim.scope), claim.signature) else {
            throw .mismatch(
                accessKey: claim.accessKey, provided: claim.signature, stringToSign: stringToSign, canonicalRequest: canonical.text)
        }
    }

    /// The signature that a text must have; chunks of a signed stream are checked by it too.
    package func signature(of stringToSign: String, secret: Secret, scope: CredentialScope) -> String {
        Hexadecimal.text(of: HMACSHA256.code(for: Array(stringToSign.utf8), key: signingKey(secret: secret, scope: scope)))
    }

    private func signingKey(secret: Secret, scope: CredentialScope) -> [UInt8] {
        let name = KeyName(secret: secret, scope: scope)
        if let known = signingKeys.withLock({ $0[name] }) { return known }
        let start = Array("AWS4\(secret.reveal())".utf8)
        let key = [scope.date, scope.region, scope.service, "aws4_request"].reduce(start) { key, part in
            HMACSHA256.code(for: Array(part.utf8), key: key)
        }
        signingKeys.withLock { keys in
            // Sessions come and go: a full table is forgotten rather than kept for ever.
            if keys.count >= 1_000 { keys.removeAll() }
            keys[name] = key
        }
        return key
    }

    private func checkTime(of claim: SignatureClaim, at now: Timestamp) throws(SignatureProblem) {
        let age = claim.time.duration(to: now)
        switch claim.form {
        case .header:
            guard age <= Self.largestSkew, age >= .zero - Self.largestSkew else {
                throw .skewed(requestTime: claim.timeText, serverTime: now)
            }
        case .presigned(let expires):
            guard age <= .seconds(expires) else { throw .notNow(expired: true) }
            guard age >= .zero - Self.largestSkew else { throw .notNow(expired: false) }
        }
    }

    /// `host` and every `x-amz-*` header must be signed, or somebody in between could add `x-amz-acl` to a signed request.
    private func checkCoverage(of claim: SignatureClaim, request: IncomingRequest) throws(SignatureProblem) {
        let signed = Set(claim.signedHeaders)
        var missing = signed.contains("host") ? [] : ["host"]
        for (name, _) in request.headers.beginning(with: "x-amz-") where !signed.contains(name) && !missing.contains(name) {
            missing.append(name)
        }
        guard missing.isEmpty else { throw .unsignedHeaders(missing) }
    }
}
