/// What a configuration file may be made of, checked before libyaml sees it.
enum YAMLText {
    static let largestFile = 4 << 20
    /// libyaml compares each `%TAG` line with all that came before.
    static let mostDirectives = 16

    struct Problem: Error {
        let mark: Mark
        let text: String
        let hint: String?
    }

    /// - Throws: `Problem` for the first byte that is not part of UTF-8 text, is a control character or a byte order mark; for a
    ///   file that is too large; for one with more directives than anybody needs.
    static func check(_ bytes: [UInt8]) throws(Problem) {
        guard bytes.count <= largestFile else {
            throw Problem(mark: .start, text: "the file has \(bytes.count) bytes; at most \(largestFile) are read", hint: nil)
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw Problem(mark: .start, text: "the file is UTF-16", hint: "save it as UTF-8")
        }
        var reader = Reader(bytes: bytes)
        while !reader.isAtEnd { try reader.readCharacter() }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0
        var line = 1
        var column = 1
        var directives = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { index == bytes.count }

        mutating func readCharacter() throws(Problem) {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\n"): beginLine()
            case UInt8(ascii: "\r"):
                if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "\n") { index += 1 }
                beginLine()
            case UInt8(ascii: "%") where column == 1:
                directives += 1
                guard directives <= YAMLText.mostDirectives else {
                    throw problem(
                        "more than \(YAMLText.mostDirectives) lines begin with '%'", hint: "agent.yaml needs no directives")
                }
                advance(by: 1)
            case 0x09, 0x20...0x7E: advance(by: 1)
            case 0x00...0x1F, 0x7F: throw controlCharacter(UInt32(byte))
            default: try readMultibyte(byte)
            }
        }

        private mutating func readMultibyte(_ first: UInt8) throws(Problem) {
            let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard index + length <= bytes.count,
                let scalar = String(validating: bytes[index..<index + length], as: UTF8.self)?.unicodeScalars.first
            else {
                throw problem(
                    "the byte 0x\(String(first, radix: 16, uppercase: true)) is not UTF-8", hint: "save the file as UTF-8")
            }
            switch scalar.value {
            case 0x80...0x84, 0x86...0x9F, 0xFFFE, 0xFFFF: throw controlCharacter(scalar.value)
            case 0xFEFF: throw problem("a byte order mark", hint: "save the file as UTF-8 without one")
            default: advance(by: length)
            }
        }

        private mutating func beginLine() {
            index += 1
            line += 1
            column = 1
        }

        private mutating func advance(by length: Int) {
            index += length
            column += 1
        }

        private func controlCharacter(_ value: UInt32) -> Problem {
            let digits = String(value, radix: 16, uppercase: true)
            let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            return problem("the control character U+\(padded)", hint: "in double quotes it can be written as \\u\(padded)")
        }

        private func problem(_ text: String, hint: String?) -> Problem {
            Problem(mark: Mark(line: line, column: column), text: text, hint: hint)
        }
    }
}
