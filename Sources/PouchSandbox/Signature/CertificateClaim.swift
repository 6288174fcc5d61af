import PouchCrypto
import PouchKit

/// What a request says about its own signature when it is made with a certificate (IAM Roles Anywhere), and whether that is so.
///
/// Written from the user guide, "Signing process", and not from our signer: the two must not share a mistake.
struct CertificateClaim {
    let leaf: Certificate
    let intermediates: [Certificate]
    let scope: CredentialScope
    private let algorithm: String
    private let serial: String
    private let signedHeaders: [String]
    private let signature: [UInt8]
    private let timeText: String

    /// - Throws: `Refusal` when the request does not carry such a signature.
    init(_ request: IncomingRequest) throws(Refusal) {
        let header = request.headers["authorization"] ?? ""
        let words = header.split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, ["AWS4-X509-RSA-SHA256", "AWS4-X509-ECDSA-SHA256"].contains(words[0]) else {
            throw Self.denied("the algorithm is none of a certificate's")
        }
        var fields: [String: String] = [:]
        for field in words[1].split(whereSeparator: { $0 == "," || $0 == " " }) {
            let halves = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard halves.count == 2 else { throw Self.denied("'\(field)' is no field of the Authorization header") }
            fields[halves[0]] = halves[1]
        }
        let credential = (fields["Credential"] ?? "").split(separator: "/").map(String.init)
        guard credential.count == 5, credential[4] == "aws4_request", credential[3] == "rolesanywhere",
            let names = fields["SignedHeaders"], let signature = fields["Signature"].flatMap({ Hexadecimal.bytes(of: $0) })
        else { throw Self.denied("the Authorization header is not complete") }
        guard let time = request.headers["x-amz-date"], time.hasPrefix(credential[1]) else {
            throw Self.denied("the X-Amz-Date header is missing, or of another day than the Credential")
        }
        guard let leaf = try Self.certificates(request.headers["x-amz-x509"]).first else {
            throw Self.denied("the X-Amz-X509 header is missing")
        }
        self.leaf = leaf
        intermediates = try Self.certificates(request.headers["x-amz-x509-chain"])
        scope = CredentialScope(date: credential[1], region: credential[2], service: credential[3])
        algorithm = words[0]
        serial = credential[0]
        signedHeaders = names.split(separator: ";").map(String.init)
        self.signature = signature
        timeText = time
    }

    /// - Throws: `Refusal` unless the certificate's key made the signature, over all that must be covered, within 15 minutes.
    func verify(_ request: IncomingRequest, body: [UInt8]) throws(Refusal) {
        guard let time = WireTime.timestamp(basic: timeText) else { throw Self.denied("the X-Amz-Date header is no time") }
        let age = time.duration(to: request.received)
        guard age <= SignatureVerifier.largestSkew, age >= .zero - SignatureVerifier.largestSkew else {
            throw Refusal(
                "AccessDeniedException", 403,
                "Signature expired: \(timeText) is too far from \(WireTime.iso8601Seconds(request.received))")
        }
        let covered = Set(signedHeaders)
        let needed = ["host", "x-amz-date", "x-amz-x509"] + request.headers.beginning(with: "x-amz-").map(\.name)
        if let missing = needed.first(where: { !covered.contains($0) }) { throw Self.denied("\(missing) is not signed") }
        guard signedHeaders == signedHeaders.sorted() else { throw Self.denied("SignedHeaders are not sorted") }
        guard serial == leaf.serial else { throw Self.denied("the Credential is not the certificate's serial number in decimal") }
        let canonical = CanonicalRequest(
            of: request, signedHeaders: signedHeaders, payloadHash: SHA256Hasher.digest(of: body).description,
            pathStyle: .normalizedAndEncodedAgain)
        let text = [algorithm, timeText, scope.description, SHA256Hasher.digest(of: canonical.text).description]
            .joined(separator: "\n")
        let key: VerifyingKey
        do throws(CertificateFailure) { key = try VerifyingKey(of: leaf) } catch { throw Self.denied("\(error)") }
        guard (key.kind == .rsa) == (algorithm == "AWS4-X509-RSA-SHA256") else {
            throw Self.denied("\(algorithm) is not for a certificate with an \(key.kind.rawValue) key")
        }
        guard key.accepts(signature, of: Array(text.utf8)) else {
            throw Self.denied("the signature is not over the canonical request '\(canonical.text)'")
        }
    }

    private static func certificates(_ header: String?) throws(Refusal) -> [Certificate] {
        var found: [Certificate] = []
        for text in (header ?? "").split(separator: ",") {
            guard let bytes = Base64.bytes(of: text), let certificate = try? Certificate(der: bytes) else {
                throw denied("a certificate in the headers is not DER in base64")
            }
            found.append(certificate)
        }
        return found
    }

    static func denied(_ text: String) -> Refusal { Refusal("AccessDeniedException", 403, "Untrusted signature: \(text)") }
}
