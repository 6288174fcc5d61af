import PouchCrypto
package import PouchKit

/// AWS Signature Version 4 (HMAC) for one service.
package struct Signer: Sendable {
    /// How the path enters the signature.
    package enum PathRule: Hashable, Sendable {
        /// S3: a key may hold `//` and `..`, and is encoded once.
        case asSent
        /// All others: dot segments and double slashes removed; what was encoded to be sent is encoded once more.
        case normalised(encodedAgain: Bool)
    }

    package enum TokenRule: Hashable, Sendable {
        case signed
        /// The token goes along unsigned, as a few services want it.
        case addedAfterwards
    }

    /// What was signed and what came of it. The texts are there to compare with the far end's when it disagrees.
    package struct Signature: Sendable {
        package let canonicalRequest: String
        package let stringToSign: String
        package let value: String
        /// To be sent along, `Authorization` included. Empty for a presigned request.
        package let headers: [(name: String, value: String)]
        /// The whole query of a presigned request.
        package let query: [QueryItem]
    }

    /// As the credential scope names it: `s3`, `sts`, `kms`.
    package let service: String
    private let pathRule: PathRule
    private let tokenRule: TokenRule
    /// S3 demands the header `x-amz-content-sha256`; the others only want the hash in the signature.
    private let sendsPayloadHash: Bool
    private let keys = SigningKeys()

    package init(service: String, pathRule: PathRule, tokenRule: TokenRule = .signed, sendsPayloadHash: Bool) {
        self.service = service
        self.pathRule = pathRule
        self.tokenRule = tokenRule
        self.sendsPayloadHash = sendsPayloadHash
    }

    package static func s3() -> Signer { Signer(service: "s3", pathRule: .asSent, sendsPayloadHash: true) }

    package static func other(_ service: String) -> Signer {
        Signer(service: service, pathRule: .normalised(encodedAgain: true), sendsPayloadHash: false)
    }

    /// Signs in headers.
    package func sign(
        _ request: SignableRequest,
        payload: PayloadHash,
        with credentials: Credentials,
        in region: Region,
        at time: Timestamp
    ) -> Signature {
        let date = SigningDate(time)
        var added: [(name: String, value: String)] = [("x-amz-date", date.time)]
        if sendsPayloadHash { added.append(("x-amz-content-sha256", payload.text)) }
        let token = credentials.sessionToken.map { (name: "x-amz-security-token", value: $0.reveal()) }
        if let token, tokenRule == .signed { added.append(token) }

        var covered = request
        covered.headers = request.headers + [("host", request.host)] + added
        let canonical = CanonicalRequest(covered, pathRule: pathRule, payload: payload.text)
        let result = signature(of: canonical, credentials: credentials, region: region, date: date)

        if let token, tokenRule == .addedAfterwards { added.append(token) }
        let scope = scope(region, date)
        added.append(
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=\(canonical.signedHeaders), "
                    + "Signature=\(result.value)"
            )
        )
        return Signature(
            canonicalRequest: canonical.text, stringToSign: result.stringToSign, value: result.value, headers: added, query: [])
    }

    /// Signs in the query, for a request that somebody else sends before `expiry` has passed (at most seven days).
    package func presign(
        _ request: SignableRequest,
        payload: PayloadHash,
        with credentials: Credentials,
        in region: Region,
        at time: Timestamp,
        expiry: Duration
    ) -> Signature {
        let date = SigningDate(time)
        var covered = request
        covered.headers = request.headers + [("host", request.host)]
        let token = credentials.sessionToken.map { QueryItem("X-Amz-Security-Token", $0.reveal()) }
        covered.query += [
            QueryItem("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            QueryItem("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(region, date))"),
            QueryItem("X-Amz-Date", date.time),
            QueryItem("X-Amz-SignedHeaders", CanonicalHeaders(covered.headers).names),
            QueryItem("X-Amz-Expires", "\(expiry.components.seconds)"),
        ]
        if let token, tokenRule == .signed { covered.query.append(token) }
        let canonical = CanonicalRequest(covered, pathRule: pathRule, payload: payload.text)
        let result = signature(of: canonical, credentials: credentials, region: region, date: date)
        if let token, tokenRule == .addedAfterwards { covered.query.append(token) }
        return Signature(
            canonicalRequest: canonical.text,
            stringToSign: result.stringToSign,
            value: result.value,
            headers: [],
            query: covered.query + [QueryItem("X-Amz-Signature", result.value)]
        )
    }

    private func scope(_ region: Region, _ date: SigningDate) -> String { "\(date.day)/\(region)/\(service)/aws4_request" }

    private func signature(
        of canonical: CanonicalRequest,
        credentials: Credentials,
        region: Region,
        date: SigningDate
    ) -> (stringToSign: String, value: String) {
        let hash = SHA256Hasher.digest(of: canonical.text)
        let stringToSign = "AWS4-HMAC-SHA256\n\(date.time)\n\(scope(region, date))\n\(hash)"
        let key = keys.key(secret: credentials.secretAccessKey, day: date.day, region: region, service: service)
        return (stringToSign, Hexadecimal.text(of: HMACSHA256.code(for: Array(stringToSign.utf8), key: key)))
    }
}

/// `20261123T120000Z` and `20261123`.
struct SigningDate {
    let time: String
    let day: String

    init(_ timestamp: Timestamp) {
        let date = timestamp.civil
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        day = "\(date.year)" + two(date.month) + two(date.day)
        time = day + "T" + two(date.hour) + two(date.minute) + two(date.second) + "Z"
    }
}
