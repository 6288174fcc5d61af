/// A complete answer. Every status is an answer, 500 and 301 included: redirects are never followed.
package struct HTTPResponse: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: [UInt8]

    package init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
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

    private static func areEqual(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8) { lowerCased($0) == lowerCased($1) }
    }

    private static func lowerCased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}
