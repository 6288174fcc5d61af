import PouchKit

/// Reads one value. Unlike the other containers it throws: a type that takes several forms tries them here.
struct SingleNode: SingleValueDecodingContainer {
    let decoder: NodeDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool {
        guard let node = decoder.node else { return true }
        return node.scalar?.isNull ?? false
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try Value(from: decoder)
    }

    func decode(_ type: String.Type) throws -> String {
        guard let node = decoder.node else { return "" }
        guard let scalar = node.scalar, !scalar.isNull, !scalar.isMissing else { throw node.isNot("text") }
        return scalar.text
    }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard let node = decoder.node else { return false }
        switch node.plainText {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default:
            let isQuoted = ["true", "false"].contains(node.scalar?.text)
            throw node.isNot("true or false", hint: isQuoted ? "remove the quotes" : nil)
        }
    }

    func decode(_ type: Double.Type) throws -> Double {
        guard let node = decoder.node else { return 0 }
        guard let number = node.plainText.flatMap(CoreSchema.floatingPoint) else { throw node.isNot("a number") }
        return number
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }

    private func integer<Number: FixedWidthInteger>() throws -> Number {
        guard let node = decoder.node else { return 0 }
        guard let text = node.plainText, CoreSchema.isInteger(text) else {
            let isQuoted = node.scalar.map { !$0.isPlain && CoreSchema.isInteger($0.text) } ?? false
            throw node.isNot("a whole number", hint: isQuoted ? "remove the quotes" : nil)
        }
        guard let number: Number = CoreSchema.integer(text) else {
            throw node.isNot("a whole number from \(Number.min) to \(Number.max)")
        }
        return number
    }
}

extension ConfigurationNode {
    /// The text of a plain scalar, which may be a number or a Boolean.
    fileprivate var plainText: String? { scalar.flatMap { $0.isPlain ? $0.text : nil } }
}

/// Numbers of the core schema (YAML 1.2.2, section 10.3.2).
enum CoreSchema {
    static func isInteger(_ text: String) -> Bool { split(text) != nil }

    /// `nil` when the text is no integer or the type cannot hold it.
    static func integer<Number: FixedWidthInteger>(_ text: String) -> Number? {
        split(text).flatMap { Number($0.sign + $0.digits, radix: $0.radix) }
    }

    static func floatingPoint(_ text: String) -> Double? {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
        case "-.inf", "-.Inf", "-.INF": return -.infinity
        case ".nan", ".NaN", ".NAN": return .nan
        default: break
        }
        // Swift reads more than the schema: hexadecimal, `inf`, `nan`.
        let isDecimal = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
        guard isDecimal, text.utf8.contains(where: { "0123456789".utf8.contains($0) }) else { return nil }
        return Double(text) ?? Double(text.replacing(".", with: ".0", maxReplacements: 1))
    }

    private static func split(_ text: String) -> (sign: String, digits: String, radix: Int)? {
        if text.hasPrefix("0o") { return digits(of: text.dropFirst(2), "01234567").map { ("", $0, 8) } }
        if text.hasPrefix("0x") { return digits(of: text.dropFirst(2), "0123456789abcdefABCDEF").map { ("", $0, 16) } }
        let sign = text.hasPrefix("-") ? "-" : ""
        let rest = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        return digits(of: rest, "0123456789").map { (sign, $0, 10) }
    }

    private static func digits(of text: Substring, _ allowed: String) -> String? {
        !text.isEmpty && text.utf8.allSatisfy(allowed.utf8.contains) ? String(text) : nil
    }
}
