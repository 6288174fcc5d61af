/// What goes back over the wire.
package struct Reply: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Bytes of an object, streamed from disk.
        case object(StoredBody, ClosedRange<Int64>)
    }

    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: Body
    /// For HEAD: what the length of the body would be.
    package var announcedLength: Int64?

    /// A fault's doing: the body ends after so many bytes.
    package var truncation: Int?

    package init(_ status: Int, headers: [(name: String, value: String)] = [], body: Body = .none, announcedLength: Int64? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
        self.announcedLength = announcedLength
    }

    package static func xml(_ document: XMLText, status: Int = 200, headers: [(name: String, value: String)] = []) -> Reply {
        Reply(status, headers: [("content-type", "application/xml")] + headers, body: .bytes(document.document))
    }

    package var contentLength: Int64 {
        switch body {
        case .none: announcedLength ?? 0
        case .bytes(let bytes): Int64(bytes.count)
        case .object(_, let range): range.upperBound - range.lowerBound + 1
        }
    }

    package var hasBody: Bool { if case .none = body { false } else { true } }

    package subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    package mutating func replace(_ name: String, with value: String?) {
        headers.removeAll { $0.name == name }
        if let value { headers.append((name, value)) }
    }
}
