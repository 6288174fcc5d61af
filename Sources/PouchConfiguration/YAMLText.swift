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
        let problem = bytes.withUnsafeBufferPointer { buffer in
            var reader = Reader(bytes: buffer)
            return reader.firstProblem()
        }
        if let problem { throw problem }
    }

    /// The first byte of the character at a place; `nil` at the end of the file.
    static func byte(at mark: Mark, in bytes: [UInt8]) -> UInt8? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: mark.line, omittingEmptySubsequences: false)
        guard lines.indices.contains(mark.line - 1) else { return nil }
        var column = 0
        return lines[mark.line - 1].first { byte in
            if byte & 0xC0 != 0x80 { column += 1 }
            return column == mark.column
        }
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var index = 0
        var line = 1
        var lineStart = 0
        /// Bytes of this line that begin no character.
        var continuations = 0
        var directives = 0

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        mutating func firstProblem() -> Problem? {
            while index < bytes.count {
                let byte = bytes[index]
                if byte >= 0x20, byte < 0x7F {
                    if byte == UInt8(ascii: "%"), index == lineStart {
                        directives += 1
                        if directives > YAMLText.mostDirectives { return tooManyDirectives() }
                    }
                    index += 1
                } else if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                    endLine(byte)
                } else if byte == UInt8(ascii: "\t") {
                    index += 1
                } else if byte < 0x80 {
                    return controlCharacter(UInt32(byte))
                } else if let problem = multibyteProblem(byte) {
                    return problem
                }
            }
            return nil
        }

        private mutating func endLine(_ byte: UInt8) {
            let isPair = byte == UInt8(ascii: "\r") && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n")
            index += isPair ? 2 : 1
            line += 1
            lineStart = index
            continuations = 0
        }

        private mutating func multibyteProblem(_ first: UInt8) -> Problem? {
            guard let (value, length) = scalar(beginningWith: first) else {
                let digits = String(first, radix: 16, uppercase: true)
                return problem("the byte 0x\(digits) is not UTF-8", hint: "save the file as UTF-8")
            }
            switch value {
            case 0x80...0x84, 0x86...0x9F, 0xFFFE, 0xFFFF: return controlCharacter(value)
            case 0xFEFF: return problem("a byte order mark", hint: "save the file as UTF-8 without one")
            default:
                index += length
                continuations += length - 1
                return nil
            }
        }

        /// By hand, since a file is up to four million of them: RFC 3629, section 4.
        private func scalar(beginningWith first: UInt8) -> (value: UInt32, length: Int)? {
            let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard first >= 0xC2, first <= 0xF4, index + length <= bytes.count else { return nil }
            var value = UInt32(first) & (0x7F >> UInt32(length))
            for offset in 1..<length {
                let byte = bytes[index + offset]
                guard byte & 0xC0 == 0x80 else { return nil }
                value = value << 6 | UInt32(byte & 0x3F)
            }
            let isShortest = length == 2 || value >= (length == 3 ? 0x800 : 0x10000)
            return isShortest && Unicode.Scalar(value) != nil ? (value, length) : nil
        }

        private func controlCharacter(_ value: UInt32) -> Problem {
            let digits = String(value, radix: 16, uppercase: true)
            let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            return problem("the control character U+\(padded)", hint: "in double quotes it can be written as \\u\(padded)")
        }

        private func tooManyDirectives() -> Problem {
            problem("more than \(YAMLText.mostDirectives) lines begin with '%'", hint: "agent.yaml needs no directives")
        }

        private func problem(_ text: String, hint: String) -> Problem {
            Problem(mark: Mark(line: line, column: index - lineStart - continuations + 1), text: text, hint: hint)
        }
    }
}
