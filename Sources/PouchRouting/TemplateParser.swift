import PouchKit

/// Reads the text of a key template.
struct TemplateParser {
    private let text: String
    private let captures: [String]
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String, captures: [String]) {
        self.text = text
        self.captures = captures
        scalars = Array(text.unicodeScalars)
    }

    mutating func parse() throws(PatternError) -> [KeyTemplate.Part] {
        guard !scalars.isEmpty else { throw error(at: 0, "the template is empty", hint: "'{path}' keeps the path of the drop") }
        if let control = scalars.firstIndex(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw error(at: control, "a key has no control characters")
        }
        guard scalars.count <= 4 * DeliveryKey.longestKey else {
            throw error(at: 4 * DeliveryKey.longestKey, "a template has at most \(4 * DeliveryKey.longestKey) characters")
        }
        var parts: [KeyTemplate.Part] = []
        while true {
            parts.append(try part())
            guard position < scalars.count else { return parts }
            position += 1  // the slash
        }
    }

    private mutating func part() throws(PatternError) -> KeyTemplate.Part {
        let start = position
        var pieces: [KeyTemplate.Piece] = []
        var literal = ""
        while position < scalars.count, scalars[position] != "/" {
            switch scalars[position] {
            case "{":
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = ""
                pieces.append(.field(try field()))
            case "}": throw error(at: position, "'}' without '{'", hint: "write '\\}' for the character itself")
            case "\\":
                guard position + 1 < scalars.count, scalars[position + 1] != "/" else {
                    throw error(at: position, "'\\' with nothing to escape", hint: "write '\\\\' for the character itself")
                }
                literal.unicodeScalars.append(scalars[position + 1])
                position += 2
            default:
                literal.unicodeScalars.append(scalars[position])
                position += 1
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        try check(pieces, from: start)
        return KeyTemplate.Part(source: CaptureName.text(of: scalars[start..<position]), pieces: pieces)
    }

    private func check(_ pieces: [KeyTemplate.Piece], from start: Int) throws(PatternError) {
        guard !pieces.isEmpty else {
            throw error(
                at: min(start, scalars.count - 1),
                start == 0
                    ? "a key does not begin with '/'" : start == scalars.count ? "a key does not end in '/'" : "a part is empty",
                hint: start == scalars.count ? "put '{name}' behind it" : nil)
        }
        guard pieces != [.literal(".")], pieces != [.literal("..")] else {
            throw error(at: start, "a key has no part '.' or '..': it could leave the place that the partner gave it")
        }
    }

    private mutating func field() throws(PatternError) -> TemplateField {
        let brace = position
        guard let close = scalars[brace...].firstIndex(of: "}") else {
            throw error(at: brace, "'{' without '}'", hint: "write '\\{' for the character itself")
        }
        let inside = scalars[(brace + 1)..<close]
        position = close + 1
        let colon = inside.firstIndex(of: ":")
        let name = CaptureName.text(of: inside[..<(colon ?? inside.endIndex)])
        let format = colon.map { CaptureName.text(of: inside[($0 + 1)...]) }
        if let format, name == "date" {
            do {
                return .date(try DatePattern(format))
            } catch {
                throw self.error(at: brace + "{date:".count + error.offset, error.what, hint: error.hint)
            }
        }
        guard format == nil else { throw error(at: brace, "only {date:…} takes a form after ':'") }
        switch name {
        case "name": return .name
        case "stem": return .stem
        case "ext": return .ext
        case "path": return .path
        case "folder": return .folder
        case "date": return .date(.day)
        default:
            guard captures.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else { throw unknown(name, at: brace) }
            return .capture(name)
        }
    }

    private func unknown(_ name: String, at offset: Int) -> PatternError {
        let known = (TemplateField.reservedNames + captures).map { "{\($0)}" }.joined(separator: ", ")
        return error(
            at: offset, "'{\(VisibleText.escaped(name))}' is no field, and the path pattern captures nothing of that name",
            hint: "there are \(known)")
    }

    private func error(at offset: Int, _ what: String, hint: String? = nil) -> PatternError {
        PatternError(text: text, offset: offset, what: what, hint: hint)
    }
}
