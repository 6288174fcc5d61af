/// A JSON text (RFC 8259) as it is written: objects keep the order of their members, numbers their digits.
enum JSONValue: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        let name: String
        let value: JSONValue
    }

    case null
    case boolean(Bool)
    /// As it is written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])
}

/// What is wrong with a JSON text, and where.
struct JSONProblem: Error, Hashable, CustomStringConvertible {
    /// In bytes from the beginning.
    let offset: Int
    let expectation: String

    var description: String { "byte \(offset + 1): expected \(expectation)" }
}

/// Reads one JSON text, strictly, in bounded depth: nothing before it, nothing after it, no lone surrogates.
struct JSONReader {
    private static let deepestNesting = 32

    private let bytes: [UInt8]
    private var position = 0

    static func value(of bytes: [UInt8]) throws(JSONProblem) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        reader.skipSpace()
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.expected("the end") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value(depth: Int) throws(JSONProblem) -> JSONValue {
        guard depth < Self.deepestNesting else { throw expected("at most \(Self.deepestNesting) levels") }
        guard let byte = peek else { throw expected("a value") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw expected("a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONProblem) -> JSONValue {
        position += 1
        skipSpace()
        var members: [JSONValue.Member] = []
        if take("}") { return .object(members) }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw expected("a member's name") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw expected("':'") }
            skipSpace()
            members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw expected("',' or '}'") }
            skipSpace()
        }
    }

    private mutating func array(depth: Int) throws(JSONProblem) -> JSONValue {
        position += 1
        skipSpace()
        var elements: [JSONValue] = []
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw expected("',' or ']'") }
            skipSpace()
        }
    }

    private mutating func string() throws(JSONProblem) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw JSONProblem(offset: start, expectation: "text in UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): text += try escape()
            case 0..<0x20: throw expected("control characters to be escaped")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw expected("'\"'")
    }

    private mutating func escape() throws(JSONProblem) -> [UInt8] {
        position += 1
        guard let letter = peek else { throw expected("an escape") }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try escapedScalar()
        default:
            position -= 1
            throw expected("one of the escapes of JSON")
        }
    }

    private mutating func escapedScalar() throws(JSONProblem) -> [UInt8] {
        let first = try codeUnit()
        var value = first
        if (0xD800..<0xDC00).contains(first) {
            guard take("\\"), take("u") else { throw expected("the second half of a surrogate pair") }
            let second = try codeUnit()
            guard (0xDC00..<0xE000).contains(second) else { throw expected("the second half of a surrogate pair") }
            value = 0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value), let bytes = UTF8.encode(scalar) else {
            throw expected("the first half of a surrogate pair")
        }
        return Array(bytes)
    }

    private mutating func codeUnit() throws(JSONProblem) -> UInt32 {
        guard position + 4 <= bytes.count else { throw expected("four hexadecimal digits") }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            // `Character.hexDigitValue` would take full-width digits too; a byte cannot be one.
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw expected("four hexadecimal digits") }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    private mutating func number() throws(JSONProblem) -> String {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(JSONProblem) {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw expected("a digit") }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw expected("a value") }
        position += word.utf8.count
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private func expected(_ expectation: String) -> JSONProblem { JSONProblem(offset: position, expectation: expectation) }
}
