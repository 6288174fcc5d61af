package import PouchKit

/// The day, region and service that a signature was made for.
package struct CredentialScope: Hashable, Sendable, CustomStringConvertible {
    package let date: String
    package let region: String
    package let service: String

    package init(date: String, region: String, service: String) {
        self.date = date
        self.region = region
        self.service = service
    }

    package var description: String { "\(date)/\(region)/\(service)/aws4_request" }
}

/// What a request says about its own signature, in its `Authorization` header or in its query.
package struct SignatureClaim: Sendable {
    package enum Form: Equatable, Sendable {
        case header
        /// Valid for so many seconds after its time.
        case presigned(expires: Int64)
    }

    package let form: Form
    package let accessKey: String
    package let scope: CredentialScope
    package let signedHeaders: [String]
    package let signature: String
    /// As sent: it enters the string to sign.
    package let timeText: String
    package let time: Timestamp
    package let sessionToken: String?

    /// `nil` when the request carries no signature at all.
    ///
    /// - Throws: `SignatureProblem` when it carries one that cannot be read.
    package static func read(from request: IncomingRequest) throws(SignatureProblem) -> SignatureClaim? {
        if request.query["X-Amz-Algorithm"] != nil || request.query["X-Amz-Signature"] != nil {
            return try presigned(request)
        }
        guard let authorization = request.headers["authorization"] else { return nil }
        return try header(authorization, of: request)
    }

    private static func header(_ text: String, of request: IncomingRequest) throws(SignatureProblem) -> SignatureClaim {
        let algorithm = "AWS4-HMAC-SHA256"
        guard text.hasPrefix(algorithm) else {
            throw text.hasPrefix("AWS ") ? .oldVersion : .malformed("the algorithm is not \(algorithm)")
        }
        var parts: [String: String] = [:]
        for part in text.dropFirst(algorithm.count).split(whereSeparator: { $0 == "," || $0 == " " }) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, parts.updateValue(String(halves[1]), forKey: String(halves[0])) == nil else {
                throw .malformed("'\(part)' is not a key=value pair or is repeated")
            }
        }
        guard let credential = parts["Credential"], let signedHeaders = parts["SignedHeaders"], let signature = parts["Signature"]
        else { throw .malformed("Credential, SignedHeaders or Signature is missing") }
        let timeText = request.headers["x-amz-date"] ?? ""
        let time: Timestamp
        if let basic = WireTime.timestamp(basic: timeText) {
            time = basic
        } else if timeText.isEmpty, let date = request.headers["date"], let parsed = WireTime.timestamp(http: date) {
            time = parsed
        } else {
            throw .missingDate
        }
        return try SignatureClaim(
            form: .header, credential: credential, signedHeaders: signedHeaders, signature: signature,
            timeText: timeText.isEmpty ? basicText(of: time) : timeText, time: time,
            sessionToken: request.headers["x-amz-security-token"])
    }

    private static func presigned(_ request: IncomingRequest) throws(SignatureProblem) -> SignatureClaim {
        let query = request.query
        guard query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256" else {
            throw .malformedQuery("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
        }
        guard let credential = query["X-Amz-Credential"], let signedHeaders = query["X-Amz-SignedHeaders"],
            let signature = query["X-Amz-Signature"], let timeText = query["X-Amz-Date"], let expiresText = query["X-Amz-Expires"]
        else {
            throw .malformedQuery(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
                    + "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
        }
        guard let time = WireTime.timestamp(basic: timeText) else {
            throw .malformedQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        }
        guard let expires = Int64(expiresText), expires >= 0 else { throw .malformedQuery("X-Amz-Expires should be a number") }
        guard expires <= 604_800 else {
            throw .malformedQuery(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
                    + "must be less than 604800 seconds")
        }
        do {
            return try SignatureClaim(
                form: .presigned(expires: expires), credential: credential, signedHeaders: signedHeaders, signature: signature,
                timeText: timeText, time: time, sessionToken: query["X-Amz-Security-Token"])
        } catch {
            guard case .malformed(let text) = error else { throw error }
            throw .malformedQuery(text)
        }
    }

    private init(
        form: Form,
        credential: String,
        signedHeaders: String,
        signature: String,
        timeText: String,
        time: Timestamp,
        sessionToken: String?
    ) throws(SignatureProblem) {
        let parts = credential.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[4] == "aws4_request", !parts[0].isEmpty else {
            throw .malformed(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
        }
        guard parts[1] == timeText.prefix(8) else {
            throw .malformed(
                "Invalid credential date \"\(parts[1])\". This date is not the same as X-Amz-Date: \"\(timeText.prefix(8))\".")
        }
        let names = signedHeaders.split(separator: ";").map(String.init)
        guard !names.isEmpty, names == names.sorted(), names.allSatisfy({ $0 == $0.lowercased() }) else {
            throw .malformed("SignedHeaders must be in lower case and sorted")
        }
        guard signature.utf8.count == 64, signature.utf8.allSatisfy(Hexadecimal.isLowerCaseDigit) else {
            throw .malformed("the Signature is not 64 lower-case hexadecimal digits")
        }
        self.form = form
        accessKey = parts[0]
        scope = CredentialScope(date: parts[1], region: parts[2], service: parts[3])
        self.signedHeaders = names
        self.signature = signature
        self.timeText = timeText
        self.time = time
        self.sessionToken = sessionToken
    }

    private static func basicText(of time: Timestamp) -> String {
        WireTime.iso8601Seconds(time).filter { $0 != "-" && $0 != ":" }
    }
}

/// Why a signature is not believed. Each service has its own words for it (`ServiceDialect`).
package enum SignatureProblem: Error, Sendable, Equatable {
    case missing
    case oldVersion
    case malformed(String)
    case malformedQuery(String)
    case missingDate
    /// These headers must be signed and are not.
    case unsignedHeaders([String])
    case unknownKey(String)
    case mismatch(accessKey: String, provided: String, stringToSign: String, canonicalRequest: String)
    case skewed(requestTime: String, serverTime: Timestamp)
    /// A presigned request after its time, or before it.
    case notNow(expired: Bool)
    case wrongRegion(found: String, expected: String)
    case wrongService(found: String, expected: String)
    case invalidToken
    case expiredToken
}
