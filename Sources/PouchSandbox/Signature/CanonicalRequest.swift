/// The canonical form of a request (AWS Signature Version 4, "Create a canonical request"), written from the specification
/// and not from our signer: the two must not share a mistake.
package struct CanonicalRequest: Sendable {
    /// How the path enters the canonical form.
    package enum PathStyle: Sendable {
        /// S3: exactly as sent.
        case asSent
        /// All other services: dot segments removed, doubled slashes joined, then encoded once more.
        case normalizedAndEncodedAgain
        /// All other services, for paths that are not to be normalised.
        case encodedAgain
    }

    package let text: String

    /// - Parameter excludedParameter: `X-Amz-Signature`, which cannot sign itself.
    package init(
        of request: IncomingRequest,
        signedHeaders: [String],
        payloadHash: String,
        pathStyle: PathStyle,
        excludedParameter: String? = nil
    ) {
        let headers = signedHeaders.map { name in "\(name):\(Self.headerValue(name, of: request))\n" }.joined()
        text = [
            request.method,
            Self.path(request.rawPath, style: pathStyle),
            Self.query(request.query, excluding: excludedParameter),
            headers,
            signedHeaders.joined(separator: ";"),
            payloadHash,
        ].joined(separator: "\n")
    }

    private static func headerValue(_ name: String, of request: IncomingRequest) -> String {
        guard name != "host" else { return collapsed(request.host) }
        return request.headers.values(of: name).map(collapsed).joined(separator: ",")
    }

    /// Trimmed, runs of spaces made one. A folded line counts as a space.
    private static func collapsed(_ value: String) -> String {
        value.utf8.split(whereSeparator: { " \t\r\n".utf8.contains($0) }).map { String(decoding: $0, as: UTF8.self) }
            .joined(separator: " ")
    }

    private static func query(_ parameters: QueryParameters, excluding excluded: String?) -> String {
        // Sorted by the encoded bytes of name and then of value; the encoded form is ASCII, so that `<` on UTF-8 is byte order.
        parameters.items.filter { $0.name != excluded }
            .map { (PercentEncoding.encoded($0.name), PercentEncoding.encoded($0.value)) }
            .sorted { left, right in
                left.0 == right.0
                    ? left.1.utf8.lexicographicallyPrecedes(right.1.utf8) : left.0.utf8.lexicographicallyPrecedes(right.0.utf8)
            }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func path(_ path: String, style: PathStyle) -> String {
        let path = path.isEmpty ? "/" : path
        switch style {
        case .asSent: return path
        case .encodedAgain: return PercentEncoding.encoded(path, keepingSlash: true)
        case .normalizedAndEncodedAgain: return PercentEncoding.encoded(normalized(path), keepingSlash: true)
        }
    }

    private static func normalized(_ path: String) -> String {
        var parts: [Substring.UTF8View] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        let joined = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
        let endsWithSlash = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
        return "/" + joined + (endsWithSlash && !parts.isEmpty ? "/" : "")
    }
}
