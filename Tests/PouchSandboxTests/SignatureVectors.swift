import PouchKit
import PouchSandbox
import PouchTestSupport

/// A signed request that somebody else made.
protocol SignatureVector {
    var signed: IncomingRequest { get }
    var secret: String { get }
    var payloadHash: String { get }
    var pathStyle: CanonicalRequest.PathStyle { get }
}

/// A case of AWS's own suite, read from the text of its signed request.
struct SuiteVector: SignatureVector {
    let request: IncomingRequest
    let payloadHash: String
    let pathStyle: CanonicalRequest.PathStyle
    /// Made for services that want the session's token added after signing. Those of the sandbox want it signed.
    let leavesTokenUnsigned: Bool

    var signed: IncomingRequest { request }
    var secret: String { "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }

    init?(name: String, form: String) throws {
        let folder = "sigv4/v4/\(name)/"
        guard let text = try Vectors.text(folder + "\(form)-signed-request.txt"),
            let canonical = try Vectors.text(folder + "\(form)-canonical-request.txt"),
            let context = try Vectors.text(folder + "context.json")
        else { return nil }
        payloadHash = canonical.split(separator: "\n", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        leavesTokenUnsigned = context.contains("\"omit_session_token\": true")
        pathStyle = context.contains("\"normalize\": false") ? .encodedAgain : .normalizedAndEncodedAgain
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.hasSuffix("\r") ? $0.dropLast() : $0 }
        let first = lines.removeFirst()
        // The target may contain spaces.
        let target = first.drop { $0 != " " }.dropFirst().dropLast(" HTTP/1.1".count)
        var headers: [(name: String, value: String)] = []
        for line in lines.prefix(while: { !$0.isEmpty }) {
            if line.first == " ", let last = headers.popLast() {
                headers.append((last.name, last.value + "\n" + line))
            } else {
                let colon = line.firstIndex(of: ":") ?? line.endIndex
                headers.append((String(line[..<colon]), String(line[line.index(after: colon)...])))
            }
        }
        request = IncomingRequest(
            method: String(first.prefix { $0 != " " }), target: String(target), host: "example.amazonaws.com",
            headers: headers.filter { $0.name.lowercased() != "host" }, isSecure: true,
            received: Timestamp(
                seconds: CivilDate.secondsSince1970(year: 2015, month: 8, day: 30, hour: 12, minute: 36, second: 0)))
    }
}

/// A case that was made with botocore and a frozen clock.
struct BotocoreVector: SignatureVector, Decodable {
    let name: String
    let service: String
    let secretKey: String
    let token: String?
    let method: String
    let headersIn: [String: String]
    let canonicalRequest: String
    let authorization: String?
    let urlOut: String
    let time: String?
    let contentHash: String?

    private enum CodingKeys: String, CodingKey {
        case name, service, token, method, authorization
        case secretKey = "secret_key"
        case headersIn = "headers_in"
        case canonicalRequest = "canonical_request"
        case urlOut = "url_out"
        case time = "x_amz_date"
        case contentHash = "x_amz_content_sha256"
    }

    var secret: String { secretKey }
    var payloadHash: String { canonicalRequest.split(separator: "\n").last.map(String.init) ?? "" }
    var pathStyle: CanonicalRequest.PathStyle { service == "s3" ? .asSent : .normalizedAndEncodedAgain }

    var signed: IncomingRequest {
        let rest = urlOut.drop { $0 != ":" }.dropFirst("://".count)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        var headers = headersIn.map { (name: $0.key, value: $0.value) }
        if let authorization { headers.append(("Authorization", authorization)) }
        if let time, authorization != nil { headers.append(("X-Amz-Date", time)) }
        if let contentHash { headers.append(("X-Amz-Content-SHA256", contentHash)) }
        if let token, authorization != nil { headers.append(("X-Amz-Security-Token", token)) }
        let received = WireTime.timestamp(basic: "20261123T120000Z") ?? Timestamp(seconds: 0)
        return IncomingRequest(
            method: method, target: String(rest.dropFirst(host.count)), host: String(host), headers: headers, isSecure: true,
            received: received)
    }
}

extension IncomingRequest {
    var target: String { rawPath + (rawQuery.isEmpty ? "" : "?" + rawQuery) }

    func changed(
        method: String? = nil, target: String? = nil, host: String? = nil, headers: [(name: String, value: String)]? = nil
    ) -> IncomingRequest {
        IncomingRequest(
            method: method ?? self.method, target: target ?? self.target, host: host ?? self.host,
            headers: headers ?? self.headers.fields, isSecure: isSecure, received: received)
    }

    func received(at time: Timestamp) -> IncomingRequest {
        IncomingRequest(
            method: method, target: target, host: host, headers: headers.fields, isSecure: isSecure, received: time)
    }

    /// The same request with one thing changed that its signature covers.
    func variants() -> [(what: String, request: IncomingRequest)] {
        var variants: [(what: String, request: IncomingRequest)] = [
            ("method", changed(method: method == "GET" ? "PUT" : "GET")),
            ("host", changed(host: "x" + host)),
            ("path", changed(target: rawPath + "x" + (rawQuery.isEmpty ? "" : "?" + rawQuery))),
            ("query", changed(target: rawPath + "?" + (rawQuery.isEmpty ? "" : rawQuery + "&") + "added=1")),
        ]
        let signed = (headers["authorization"] ?? "").components(after: "SignedHeaders=").split(separator: ";").map(String.init)
        for (index, field) in headers.fields.enumerated() where signed.contains(field.name) || field.name == "authorization" {
            var fields = headers.fields
            // The last character of a signature, and any other byte of a value.
            fields[index].value = String(field.value.dropLast()) + (field.value.last == "0" ? "1" : "0")
            variants.append((field.name, changed(headers: fields)))
        }
        return variants
    }
}

extension String {
    /// What follows the mark, up to the next comma.
    fileprivate func components(after mark: String) -> String {
        guard let range = firstRange(of: mark) else { return "" }
        return String(self[range.upperBound...].prefix { $0 != "," })
    }
}
