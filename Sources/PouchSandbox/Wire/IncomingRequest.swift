package import PouchKit

/// The head of a request as it came over the wire, before anybody believed a word of it.
package struct IncomingRequest: Sendable {
    package let method: String
    /// The path as sent: its percent-encoding is part of what was signed.
    package let rawPath: String
    package let rawQuery: String
    /// `Host`, with the port if it was sent.
    package let host: String
    package let headers: RequestHeaders
    package let isSecure: Bool
    package let received: Timestamp
    /// The query, decoded, in the order in which it was sent.
    package let query: QueryParameters

    package init(
        method: String,
        target: String,
        host: String,
        headers: [(name: String, value: String)],
        isSecure: Bool,
        received: Timestamp
    ) {
        self.method = method
        // Split at the first question mark of the UTF-8: later ones belong to the query.
        let bytes = Array(target.utf8)
        if let mark = bytes.firstIndex(of: UInt8(ascii: "?")) {
            rawPath = String(decoding: bytes[..<mark], as: UTF8.self)
            rawQuery = String(decoding: bytes[(mark + 1)...], as: UTF8.self)
        } else {
            rawPath = target
            rawQuery = ""
        }
        self.host = host
        self.headers = RequestHeaders(headers)
        self.isSecure = isSecure
        self.received = received
        query = QueryParameters(rawQuery)
    }
}

/// The headers of a request: names in lower case, values trimmed, order and repeats kept.
package struct RequestHeaders: Sendable {
    package let fields: [(name: String, value: String)]

    package init(_ fields: [(name: String, value: String)]) {
        self.fields = fields.map { (name: $0.name.lowercased(), value: $0.value) }
    }

    /// The first value of the name, which must be in lower case.
    package subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    package func values(of name: String) -> [String] { fields.lazy.filter { $0.name == name }.map(\.value) }

    package func contains(_ name: String) -> Bool { fields.contains { $0.name == name } }

    package func beginning(with prefix: String) -> [(name: String, value: String)] {
        fields.filter { $0.name.utf8.starts(with: prefix.utf8) }
    }
}

/// The parameters of a query, decoded once. A name without `=` has the empty value.
package struct QueryParameters: Sendable {
    package let items: [(name: String, value: String)]

    /// - Parameter plusIsSpace: In bodies of forms; in queries of signed requests a plus is a plus.
    package init(_ text: String, plusIsSpace: Bool = false) {
        items = text.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (
                name: PercentEncoding.decodedText(halves[0], plusIsSpace: plusIsSpace),
                value: halves.count > 1 ? PercentEncoding.decodedText(halves[1], plusIsSpace: plusIsSpace) : ""
            )
        }
    }

    package subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }

    package func contains(_ name: String) -> Bool { items.contains { $0.name == name } }

    package var names: [String] { items.map(\.name) }
}
