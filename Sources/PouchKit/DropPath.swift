/// The path of a drop, relative to its folder, as the bytes that the file system gave.
///
/// A name on Linux is any bytes but `/` and NUL: it need not be UTF-8. The bytes are the truth; `text` is there when
/// they can be read.
public struct DropPath: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Throws: `NameError` when the path is empty or absolute, contains NUL, or has a part that is empty, `.` or `..`.
    public init(bytes: [UInt8]) throws(NameError) {
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isRelative = parts.allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8) && !part.contains(0)
        }
        guard isRelative else {
            throw NameError(text: VisibleText.escaped(bytes), expectation: "a relative path without empty parts, '.' or '..'")
        }
        self.bytes = bytes
    }

    public init(_ text: String) throws(NameError) { try self.init(bytes: Array(text.utf8)) }

    /// The path as text; `nil` when it is not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The bytes of the last part.
    public var name: [UInt8] {
        Array(bytes.suffix(from: bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? bytes.startIndex))
    }

    /// The folder that contains the drop; `nil` at the top of the drop folder.
    public var parent: DropPath? {
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return DropPath(unchecked: Array(bytes[..<slash]))
    }

    public var parts: [[UInt8]] { bytes.split(separator: UInt8(ascii: "/")).map(Array.init) }

    /// - Throws: `NameError` when the name is empty, `.`, `..`, or contains `/` or NUL.
    public func appending(name: [UInt8]) throws(NameError) -> DropPath {
        guard !name.contains(UInt8(ascii: "/")) else {
            throw NameError(text: VisibleText.escaped(name), expectation: "one part of a path, without '/'")
        }
        return try DropPath(bytes: bytes + [UInt8(ascii: "/")] + name)
    }

    /// For people and logs: control characters, line breaks and bytes that are not UTF-8 are escaped, so that one record
    /// stays one line.
    public var description: String { VisibleText.escaped(bytes) }

    public static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }
}

/// Text of unknown origin made safe to print.
public enum VisibleText {
    /// Bytes that are not UTF-8 become `\xNN`; control characters, line separators and characters that turn the reading
    /// direction become `\u{N}`; a backslash is doubled, so that the original can be told.
    public static func escaped(_ bytes: [UInt8]) -> String {
        if isPlain(bytes) { return String(decoding: bytes, as: UTF8.self) }
        var result = ""
        var index = 0
        while index < bytes.count {
            let length = sequenceLength(bytes[index])
            if let length, index + length <= bytes.count,
                let text = String(validating: bytes[index..<index + length], as: UTF8.self)
            {
                for scalar in text.unicodeScalars { append(scalar, to: &result) }
                index += length
            } else {
                result += "\\x" + Hexadecimal.text(of: [bytes[index]])
                index += 1
            }
        }
        return result
    }

    public static func escaped(_ text: String) -> String { isPlain(text.utf8) ? text : escaped(Array(text.utf8)) }

    /// Nearly every text is: nothing in it but visible ASCII and spaces.
    private static func isPlain(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        switch scalar {
        case "\\": result += "\\\\"
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    private static func sequenceLength(_ first: UInt8) -> Int? {
        switch first {
        case 0x00...0x7F: 1
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: nil
        }
    }
}
