extension HTTPRequest {
    /// Why this request cannot be sent as it stands here, or `nil`: what libcurl would repair, reinterpret or split in two.
    var flaw: String? {
        guard url.hasPrefix("https://") || url.hasPrefix("http://") else { return "the URL is neither https:// nor http://" }
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
            return "the URL has characters that must be encoded"
        }
        guard !method.isEmpty, method.utf8.allSatisfy(Self.isTokenCharacter) else { return "the method is not a word" }
        guard method != "HEAD" || body.count == 0 else { return "a HEAD request has no body" }
        guard body.count >= 0 else { return "the body has a negative length" }
        for header in headers {
            guard !header.name.isEmpty, header.name.utf8.allSatisfy(Self.isTokenCharacter) else {
                return "a header name is not a word"
            }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                return "the header \(header.name) has a control character"
            }
        }
        if let length = HTTPHeaders(headers)["Content-Length"], length != String(body.count) {
            return "Content-Length says \(length), the body has \(body.count) bytes"
        }
        guard HTTPHeaders(headers)["Transfer-Encoding"] == nil else { return "Transfer-Encoding is not ours to choose" }
        return nil
    }

    /// Whether the request says how long its body is: S3 wants `Content-Length: 0` for a PUT without a body.
    var announcesLength: Bool { body.count > 0 || ["PUT", "POST", "PATCH"].contains(method) }

    /// Scheme, host and port: what a message may show of a URL, whose query may hold a signature.
    var origin: String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return "\(method) request" }
        let authority = parts[2].prefix { $0 != "?" }
        // Credentials have no place in a URL, and none in the message that refuses them.
        return "\(method) to \(parts[0])//\(authority.split(separator: "@").last ?? "")"
    }

    /// RFC 9110, section 5.6.2.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
