/// A complete answer. Every status is an answer, 500 and 301 included: redirects are never followed.
package struct HTTPResponse: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: [UInt8]
    /// How often the request was begun. More than 1 when a kept connection turned out to be dead before any answer came: the
    /// request was sent again on a new one, and the first may have taken effect all the same. This answer is the last one's.
    package let transmissions: Int

    package init(status: Int, headers: HTTPHeaders, body: [UInt8], transmissions: Int = 1) {
        self.status = status
        self.headers = headers
        self.body = body
        self.transmissions = transmissions
    }
}

/// The headers of an answer in the order in which they came, trailers last. Names are compared without regard to case.
package struct HTTPHeaders: Sendable {
    package private(set) var fields: [(name: String, value: String)]

    package init(_ fields: [(name: String, value: String)] = []) { self.fields = fields }

    /// The first header of that name.
    package subscript(_ name: String) -> String? { fields.first { Self.areEqual($0.name, name) }?.value }

    /// All headers of that name, in their order.
    package func all(_ name: String) -> [String] { fields.filter { Self.areEqual($0.name, name) }.map(\.value) }

    package mutating func append(name: String, value: String) { fields.append((name, value)) }

    mutating func continueLast(with text: String) {
        guard let last = fields.indices.last, !text.isEmpty else { return }
        fields[last].value += fields[last].value.isEmpty ? text : " " + text
    }

    private static func areEqual(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8) { lowerCased($0) == lowerCased($1) }
    }

    private static func lowerCased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}
