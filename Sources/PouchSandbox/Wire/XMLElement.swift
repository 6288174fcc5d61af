/// A small XML document that a client sent (the part list of a CompleteMultipartUpload), read strictly and with bounds.
///
/// Attributes and comments are skipped; document types, processing instructions but the declaration, and CDATA are refused,
/// since no client has a reason to send them.
package struct XMLElement: Sendable {
    package let name: String
    package fileprivate(set) var text: String
    package fileprivate(set) var children: [XMLElement]

    package subscript(_ name: String) -> String? { children.first { $0.name == name }?.text }

    /// `nil` when it is not well-formed, too deep or too large (10,000 parts, the most there are, have 50,000 elements).
    package init?(_ bytes: [UInt8]) {
        var reader = XMLReader(bytes: bytes)
        guard let root = reader.document() else { return nil }
        self = root
    }

    fileprivate init(name: String) {
        self.name = name
        text = ""
        children = []
    }
}

private struct XMLReader {
    private static let deepest = 16
    private static let mostElements = 200_000

    let bytes: [UInt8]
    var index = 0
    var elementCount = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() -> XMLElement? {
        skipByteOrderMark()
        skipSpace()
        if starts(with: "<?xml") {
            guard skip(past: "?>") else { return nil }
        }
        guard skipMisc(), let root = element(depth: 0), skipMisc(), index == bytes.count else { return nil }
        return root
    }

    private mutating func element(depth: Int) -> XMLElement? {
        elementCount += 1
        guard depth < Self.deepest, elementCount <= Self.mostElements, take("<"), let name = name() else { return nil }
        var element = XMLElement(name: name)
        guard let isEmpty = skipAttributes() else { return nil }
        if isEmpty { return element }
        var text: [UInt8] = []
        while index < bytes.count {
            if starts(with: "</") {
                index += 2
                guard self.name() == name else { return nil }
                skipSpace()
                guard take(">"), let value = String(validating: text, as: UTF8.self) else { return nil }
                element.text = value
                return element
            } else if starts(with: "<!--") {
                guard skip(past: "-->") else { return nil }
            } else if bytes[index] == UInt8(ascii: "<") {
                guard let child = self.element(depth: depth + 1) else { return nil }
                element.children.append(child)
            } else if bytes[index] == UInt8(ascii: "&") {
                guard let character = reference() else { return nil }
                text.append(contentsOf: character)
            } else {
                text.append(bytes[index])
                index += 1
            }
        }
        return nil
    }

    /// To the end of the start tag; whether the element is empty.
    private mutating func skipAttributes() -> Bool? {
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ">"):
                index += 1
                return false
            case UInt8(ascii: "/"):
                index += 1
                return take(">") ? true : nil
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let quote = bytes[index]
                guard let end = bytes[(index + 1)...].firstIndex(of: quote) else { return nil }
                index = end + 1
            case UInt8(ascii: "<"): return nil
            default: index += 1
            }
        }
        return nil
    }

    private mutating func reference() -> [UInt8]? {
        guard let end = bytes[index...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = String(decoding: bytes[(index + 1)..<end], as: UTF8.self)
        index = end + 1
        switch name {
        case "amp": return [UInt8(ascii: "&")]
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default:
            let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
            guard name.hasPrefix("#"), let number, let scalar = Unicode.Scalar(number) else { return nil }
            return Array(String(Character(scalar)).utf8)
        }
    }

    private mutating func name() -> String? {
        let start = index
        while index < bytes.count, !" \t\r\n/>=<&\"'".utf8.contains(bytes[index]) { index += 1 }
        guard index > start else { return nil }
        return String(validating: bytes[start..<index], as: UTF8.self)
    }

    private mutating func skipMisc() -> Bool {
        skipSpace()
        while starts(with: "<!--") {
            guard skip(past: "-->") else { return false }
            skipSpace()
        }
        return true
    }

    private mutating func skipByteOrderMark() {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    private mutating func skipSpace() {
        while index < bytes.count, " \t\r\n".utf8.contains(bytes[index]) { index += 1 }
    }

    private func starts(with text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[index...].starts(with: $0) }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        guard starts(with: text) else { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    private mutating func skip(past text: StaticString) -> Bool {
        while index < bytes.count {
            if take(text) { return true }
            index += 1
        }
        return false
    }
}
