/// The text that both sides derive from a request and that the signature covers.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
struct CanonicalRequest {
    let text: String
    /// `host;x-amz-date`
    let signedHeaders: String

    init(_ request: SignableRequest, pathRule: Signer.PathRule, payload: String) {
        let headers = CanonicalHeaders(request.headers)
        signedHeaders = headers.names
        var text = request.method
        text += "\n"
        text += pathRule.canonicalPath(of: request.path)
        text += "\n"
        text += Self.query(request.query)
        text += "\n"
        text += headers.lines
        text += "\n"
        text += headers.names
        text += "\n"
        text += payload
        self.text = text
    }

    /// Encoded, then sorted by the bytes of name and value; a bare name gets its `=`.
    static func query(_ items: [QueryItem]) -> String {
        guard !items.isEmpty else { return "" }
        let encoded = items.map { (name: PercentEncoding.encoded($0.name), value: PercentEncoding.encoded($0.value ?? "")) }
        let sorted = encoded.sorted { left, right in
            left.name == right.name ? left.value < right.value : left.name < right.name
        }
        return sorted.map { $0.name + "=" + $0.value }.joined(separator: "&")
    }
}

/// Names in lower case, sorted; values trimmed, runs of white space collapsed, repeated headers joined.
struct CanonicalHeaders {
    let names: String
    let lines: String

    /// What proxies and HTTP libraries change on the way. botocore leaves out the same.
    private static let unsigned: Set<String> = [
        "authorization", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
    ]

    init(_ headers: [(name: String, value: String)]) {
        // Sorted by name alone: "x-amz-…-encryption" comes before "x-amz-…-encryption-aws-kms-key-id".
        // The offset keeps the order of repeated headers.
        var sorted: [(name: String, value: String, offset: Int)] = []
        sorted.reserveCapacity(headers.count)
        for (offset, header) in headers.enumerated() {
            let name = header.name.lowercased()
            if !Self.unsigned.contains(name) { sorted.append((name, header.value, offset)) }
        }
        sorted.sort { $0.name == $1.name ? $0.offset < $1.offset : $0.name < $1.name }
        var names = ""
        var lines = ""
        var last: String?
        for header in sorted {
            if header.name == last {
                lines.removeLast()
                lines += ","
            } else {
                if last != nil { names += ";" }
                names += header.name
                lines += header.name
                lines += ":"
            }
            lines += Self.collapsed(header.value)
            lines += "\n"
            last = header.name
        }
        self.names = names
        self.lines = lines
    }

    static func collapsed(_ value: String) -> String {
        let isPlain = { (byte: UInt8) in byte != 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D }
        if value.utf8.allSatisfy(isPlain) { return value }
        let words = value.utf8.split { !isPlain($0) }
        return words.map { String(Substring($0)) }.joined(separator: " ")
    }
}

extension Signer.PathRule {
    func canonicalPath(of path: String) -> String {
        switch self {
        case .asSent: return path.isEmpty ? "/" : path
        case .normalised(let isEncodedAgain):
            let normal = Self.withoutDotSegments(path)
            return isEncodedAgain ? PercentEncoding.encodedPath(normal) : normal
        }
    }

    /// RFC 3986, section 5.2.4, and double slashes become one.
    private static func withoutDotSegments(_ path: String) -> String {
        var kept: [Substring] = []
        for segment in path.split(separator: "/", omittingEmptySubsequences: true) {
            switch segment {
            case ".": continue
            case "..": _ = kept.popLast()
            default: kept.append(segment)
            }
        }
        let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
        guard !kept.isEmpty else { return "/" }
        return "/" + kept.joined(separator: "/") + (isFolder ? "/" : "")
    }
}
