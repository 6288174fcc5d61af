import PouchKit

/// Reads the XML of cloud answers, which may come from anybody: no document types, no entities but the five and characters by
/// number, a limited depth and number of elements, and no recursion.
package struct XMLReader {
    package struct Limits: Sendable {
        package var bytes = 4 << 20
        package var depth = 24
        package var elements = 50_000

        package init() {}
    }

    private struct OpenElement {
        let name: String
        var text: [UInt8] = []
        var children: [XMLElement] = []
    }

    private let bytes: [UInt8]
    private let limits: Limits
    private var index = 0
    private var open: [OpenElement] = []
    private var elementCount = 0
    private var root: XMLElement?

    /// The root element.
    ///
    /// - Throws: `XMLProblem` when the bytes are not well-formed, not UTF-8, use what is refused here, or exceed a limit.
    package static func read(_ bytes: [UInt8], limits: Limits = Limits()) throws(XMLProblem) -> XMLElement {
        var reader = XMLReader(bytes: bytes, limits: limits)
        return try reader.document()
    }

    private init(bytes: [UInt8], limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    private mutating func document() throws(XMLProblem) -> XMLElement {
        guard bytes.count <= limits.bytes else { throw problem("more than \(limits.bytes) bytes") }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "<") { try markup() } else { try characters() }
        }
        guard let root, open.isEmpty else { throw problem("the document ends before its root element does") }
        return root
    }

    private mutating func markup() throws(XMLProblem) {
        if follows("<!--") {
            try skip(past: "-->")
        } else if follows("<?") {
            // White space before it is an error in XML; S3 sends it after keep-alive spaces.
            try skip(past: "?>")
        } else if follows("<!") {
            throw problem("a document type or a CDATA section")
        } else if follows("</") {
            try endTag()
        } else {
            try startTag()
        }
    }

    private mutating func startTag() throws(XMLProblem) {
        guard root == nil else { throw problem("a second root element") }
        index += 1
        let name = try self.name()
        elementCount += 1
        guard elementCount <= limits.elements else { throw problem("more than \(limits.elements) elements") }
        guard open.count < limits.depth else { throw problem("more than \(limits.depth) elements inside each other") }
        let isEmpty = try attributes()
        open.append(OpenElement(name: Self.localName(name)))
        if isEmpty { try close() }
    }

    /// Skips them; true when the tag ends with `/>`.
    private mutating func attributes() throws(XMLProblem) -> Bool {
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ">"):
                index += 1
                return false
            case UInt8(ascii: "/"):
                guard follows("/>") else { throw problem("a stray '/'") }
                index += 2
                return true
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let quote = bytes[index]
                index += 1
                while index < bytes.count, bytes[index] != quote { index += 1 }
                index += 1
            case UInt8(ascii: "<"):
                throw problem("'<' inside a tag")
            default: index += 1
            }
        }
        throw problem("a tag does not end")
    }

    private mutating func endTag() throws(XMLProblem) {
        index += 2
        let name = Self.localName(try self.name())
        skipSpace()
        guard index < bytes.count, bytes[index] == UInt8(ascii: ">") else { throw problem("an end tag does not end") }
        index += 1
        guard open.last?.name == name else { throw problem("the end of '\(VisibleText.escaped(name))', which is not open") }
        try close()
    }

    private mutating func close() throws(XMLProblem) {
        guard let element = open.popLast() else { throw problem("an end without a start") }
        guard let text = String(validating: element.text, as: UTF8.self) else { throw problem("text that is not UTF-8") }
        let closed = XMLElement(name: element.name, text: text, children: element.children)
        if open.isEmpty { root = closed } else { open[open.count - 1].children.append(closed) }
    }

    private mutating func characters() throws(XMLProblem) {
        guard !open.isEmpty else {
            guard Self.isSpace(bytes[index]) else { throw problem("text outside the root element") }
            index += 1
            return
        }
        if bytes[index] == UInt8(ascii: "&") {
            open[open.count - 1].text.append(contentsOf: try reference())
            return
        }
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "<"), bytes[index] != UInt8(ascii: "&") { index += 1 }
        open[open.count - 1].text.append(contentsOf: bytes[start..<index])
    }

    private mutating func reference() throws(XMLProblem) -> [UInt8] {
        let longest = 10
        let rest = bytes[(index + 1)...].prefix(longest)
        guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else { throw problem("a '&' that begins nothing") }
        let name = String(decoding: bytes[index + 1..<end], as: UTF8.self)
        let text: String
        switch name {
        case "lt": text = "<"
        case "gt": text = ">"
        case "amp": text = "&"
        case "quot": text = "\""
        case "apos": text = "'"
        default:
            guard name.hasPrefix("#"), let scalar = Self.scalar(name.dropFirst()) else {
                throw problem("the entity '\(VisibleText.escaped(name))'")
            }
            text = String(Character(scalar))
        }
        index = end + 1
        return Array(text.utf8)
    }

    private static func scalar(_ text: Substring) -> Unicode.Scalar? {
        let isHexadecimal = text.hasPrefix("x")
        let digits = isHexadecimal ? text.dropFirst() : text
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0.isLetterOrDigit }),
            let value = UInt32(digits, radix: isHexadecimal ? 16 : 10), value > 0
        else { return nil }
        return Unicode.Scalar(value)
    }

    private mutating func name() throws(XMLProblem) -> String {
        let start = index
        while index < bytes.count, bytes[index].isLetterOrDigit || "-._:".utf8.contains(bytes[index]) { index += 1 }
        guard index > start else { throw problem("a name was expected") }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private static func localName(_ name: String) -> String {
        name.utf8.firstIndex(of: UInt8(ascii: ":")).map { String(name[name.utf8.index(after: $0)...]) } ?? name
    }

    private mutating func skipSpace() { while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 } }

    private mutating func skip(past end: StaticString) throws(XMLProblem) {
        let start = index
        while index < bytes.count, !follows(end) { index += 1 }
        guard index < bytes.count else {
            index = start
            throw problem("a comment or an instruction does not end")
        }
        index += end.utf8CodeUnitCount
    }

    private func follows(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[index...].starts(with: $0) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private func problem(_ text: String) -> XMLProblem { XMLProblem(text: text, offset: index) }
}
