/// One `name=value` of a query, not encoded. A `nil` value stands for a bare name such as `uploads`.
package struct QueryItem: Hashable, Sendable {
    package let name: String
    package let value: String?

    package init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }
}

/// What a signature covers, apart from the body.
package struct SignableRequest: Sendable {
    package var method: String
    /// As the `Host` header says it: with the port unless it is the scheme's own.
    package var host: String
    /// Encoded, exactly as it is sent.
    package var path: String
    package var query: [QueryItem]
    /// All that are to be signed, in any order; `host` and the signer's own are added by it.
    package var headers: [(name: String, value: String)]

    package init(
        method: String,
        host: String,
        path: String,
        query: [QueryItem] = [],
        headers: [(name: String, value: String)] = []
    ) {
        self.method = method
        self.host = host
        self.path = path
        self.query = query
        self.headers = headers
    }

    /// Path and query as they are sent.
    package var target: String {
        guard !query.isEmpty else { return path }
        let items = query.map { item in
            PercentEncoding.encoded(item.name) + (item.value.map { "=" + PercentEncoding.encoded($0) } ?? "")
        }
        return path + "?" + items.joined(separator: "&")
    }
}

/// What the signature says about the body.
package enum PayloadHash: Hashable, Sendable {
    /// The body's SHA-256 in hexadecimal.
    case digest(String)
    /// The body is not covered. Only over TLS, and only with a checksum header that is.
    case unsigned

    package static let empty = PayloadHash.digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

    package var text: String {
        switch self {
        case .digest(let hexadecimal): hexadecimal
        case .unsigned: "UNSIGNED-PAYLOAD"
        }
    }
}
