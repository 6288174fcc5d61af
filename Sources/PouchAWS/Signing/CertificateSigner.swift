package import PouchCrypto
package import PouchKit

/// AWS Signature Version 4 with an X.509 certificate instead of a secret that both sides know: what IAM Roles Anywhere takes.
///
/// <https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html>
package struct CertificateSigner: Sendable {
    private static let service = AWSService.rolesanywhere.rawValue

    private let leaf: Certificate
    private let intermediates: [Certificate]
    private let key: SigningKey

    package init(leaf: Certificate, intermediates: [Certificate], key: SigningKey) {
        self.leaf = leaf
        self.intermediates = intermediates
        self.key = key
    }

    private var algorithm: String {
        switch key.kind {
        case .rsa: "AWS4-X509-RSA-SHA256"
        case .ec: "AWS4-X509-ECDSA-SHA256"
        }
    }

    /// Signs in headers. Unlike one with a secret, the signature is over the string to sign itself: there is no derived key.
    ///
    /// - Throws: `CredentialFailure` when OpenSSL does not sign with this key.
    package func sign(
        _ request: SignableRequest,
        payload: PayloadHash,
        in region: Region,
        at time: Timestamp
    ) throws(CredentialFailure) -> Signer.Signature {
        let date = SigningDate(time)
        var added = [(name: "x-amz-date", value: date.time), (name: "x-amz-x509", value: Base64.text(of: leaf.der))]
        if !intermediates.isEmpty {
            added.append(("x-amz-x509-chain", intermediates.map { Base64.text(of: $0.der) }.joined(separator: ",")))
        }
        var covered = request
        covered.headers = request.headers + [("host", request.host)] + added
        let canonical = CanonicalRequest(covered, pathRule: .normalised(encodedAgain: true), payload: payload.text)
        let scope = "\(date.day)/\(region)/\(Self.service)/aws4_request"
        let stringToSign = "\(algorithm)\n\(date.time)\n\(scope)\n\(SHA256Hasher.digest(of: canonical.text))"
        let value: String
        do throws(CertificateFailure) {
            value = Hexadecimal.text(of: try key.signature(of: Array(stringToSign.utf8)))
        } catch {
            throw CredentialFailure(step: "sign as \(leaf.subject)", cause: error.cause)
        }
        added.append(
            (
                "Authorization",
                "\(algorithm) Credential=\(leaf.serial)/\(scope), SignedHeaders=\(canonical.signedHeaders), Signature=\(value)"
            )
        )
        return Signer.Signature(
            canonicalRequest: canonical.text, stringToSign: stringToSign, value: value, headers: added, query: [])
    }
}
