/// Writes one JSON text on one line, without spaces. The same values always give the same bytes, on every machine and in
/// every year: what is escaped is listed here and not looked up in the Unicode tables of the day.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    mutating func object(_ name: String? = nil, _ members: (inout JSONWriter) -> Void) { nest(name, "{", "}", members) }

    mutating func array(_ name: String? = nil, _ elements: (inout JSONWriter) -> Void) { nest(name, "[", "]", elements) }

    mutating func member(_ name: String, _ value: String) {
        begin(name)
        string(value)
        needsComma = true
    }

    mutating func element(_ value: String) {
        begin(nil)
        string(value)
        needsComma = true
    }

    mutating func member(_ name: String, _ value: Int64) {
        begin(name)
        bytes += "\(value)".utf8
        needsComma = true
    }

    private mutating func nest(_ name: String?, _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void)
    {
        begin(name)
        bytes.append(UInt8(ascii: open))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: close))
        needsComma = true
    }

    private mutating func begin(_ name: String?) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        guard let name else { return }
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(ascii: scalar)]
            case _ where Self.isInvisible(scalar.value):
                for unit in UTF16.encode(scalar) ?? UTF16.EncodedScalar() { escape(unit) }
            default: bytes += UTF8.encode(scalar).map(Array.init) ?? []
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ unit: UInt16) {
        let digits = String(unit, radix: 16)
        bytes += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
    }

    /// Controls, line separators, and what changes the reading direction or takes no room: a line in the file is a line on
    /// the terminal, and reads as what it is.
    private static func isInvisible(_ value: UInt32) -> Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x61C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            true
        default: false
        }
    }
}
