import PouchKit

/// The name of an object: bytes. As `String`s, keys that differ only in the Unicode form of a letter would be one.
package struct ObjectKey: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package init(_ text: String) { bytes = Array(text.utf8) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package var description: String { VisibleText.escaped(bytes) }

    package func hasPrefix(_ prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }

    package static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }

    package init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
