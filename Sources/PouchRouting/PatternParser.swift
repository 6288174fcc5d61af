/// Reads the text of a pattern part by part.
struct PatternParser {
    /// What the kind of pattern at hand permits.
    struct Rules {
        /// `{name}`
        var permitsCaptures: Bool
        /// `..` as a part: in folders as an operator writes them.
        var permitsParent: Bool
    }

    /// Longer than any path that the kernel takes.
    private static let longestPattern = 4_096

    private let text: String
    private let rules: Rules
    private let scalars: [Unicode.Scalar]
    private var position: Int
    private var captureNames: [String] = []

    /// - Parameter start: how many scalars were read already.
    init(_ text: String, from start: Int = 0, rules: Rules) {
        self.text = text
        self.rules = rules
        scalars = Array(text.unicodeScalars)
        position = start
    }

    mutating func parse() throws(PatternError) -> PartsPattern {
        guard scalars.count <= Self.longestPattern else {
            throw error(at: Self.longestPattern, "a pattern has at most \(Self.longestPattern) characters")
        }
        if let control = scalars.firstIndex(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw error(at: control, "a pattern has no control characters", hint: "'?' takes any one character")
        }
        var groups: [[PartPattern]] = [[]]
        var endsInAnyParts = false
        while true {
            if try takeAnyParts() {
                // `**/**` says the same as `**`.
                if !endsInAnyParts { groups.append([]) }
                endsInAnyParts = true
            } else {
                groups[groups.count - 1].append(try part())
                endsInAnyParts = false
            }
            guard position < scalars.count else { return PartsPattern(groups: groups) }
            position += 1  // the slash
        }
    }

    private mutating func takeAnyParts() throws(PatternError) -> Bool {
        guard peek(0) == "*", peek(1) == "*" else { return false }
        guard peek(2) == "/" || peek(2) == nil else { throw lonelyStars(at: position) }
        position += 2
        return true
    }

    private mutating func part() throws(PatternError) -> PartPattern {
        let start = position
        var part = PartPattern()
        while let scalar = peek(0), scalar != "/" {
            switch scalar {
            case "*":
                guard peek(1) != "*" else { throw lonelyStars(at: position) }
                try append(.anything, to: &part, at: position)
                position += 1
            case "{":
                let brace = position
                let name = try captureName()
                try append(.capture(name), to: &part, at: brace)
            case "}": throw error(at: position, "'}' without '{'", hint: "write '\\}' for the character itself")
            case "?":
                position += 1
                append(.any, from: position - 1, to: &part)
            case "[":
                let bracket = position
                let characters = try set()
                append(characters, from: bracket, to: &part)
            default:
                let from = position
                let character = try literal()
                append(.literal(character.value), from: from, to: &part)
            }
        }
        try check(scalars[start..<position], at: start)
        return part
    }

    private func check(_ source: ArraySlice<Unicode.Scalar>, at start: Int) throws(PatternError) {
        if source.isEmpty {
            let isLast = start == scalars.count && start > 0
            throw error(
                at: isLast ? start - 1 : start,
                scalars.isEmpty
                    ? "the pattern is empty" : start == 0 ? "paths are relative to their drop folder" : "a part is empty",
                hint: scalars.isEmpty || isLast ? "'**' takes everything in a folder, at any depth" : nil)
        }
        let isDots = source.elementsEqual(["."]) || (source.elementsEqual([".", "."]) && !rules.permitsParent)
        guard !isDots else { throw error(at: start, "no path has a part '.' or '..'") }
    }

    private func append(_ wildcard: PartPattern.Wildcard, to part: inout PartPattern, at offset: Int) throws(PatternError) {
        if let last = part.tails.last, last.run.count == 0 {
            throw error(
                at: offset, "two of '*' and '{…}' side by side: nothing says where the first one ends",
                hint: "put the text between them that separates them, or leave one out")
        }
        part.tails.append(PartPattern.Tail(wildcard: wildcard))
    }

    private func append(_ single: PartPattern.Single, from start: Int, to part: inout PartPattern) {
        var source = ""
        source.unicodeScalars.append(contentsOf: scalars[start..<position])
        if part.tails.isEmpty {
            part.first.singles.append(single)
            part.first.source += source
        } else {
            part.tails[part.tails.count - 1].run.singles.append(single)
            part.tails[part.tails.count - 1].run.source += source
        }
    }

    /// One character, perhaps after a `\`.
    private mutating func literal() throws(PatternError) -> Unicode.Scalar {
        if peek(0) == "\\" {
            guard let escaped = peek(1), escaped != "/" else {
                throw error(at: position, "'\\' with nothing to escape", hint: "write '\\\\' for the character itself")
            }
            position += 2
            return escaped
        }
        position += 1
        return scalars[position - 1]
    }

    private mutating func captureName() throws(PatternError) -> String {
        let brace = position
        guard rules.permitsCaptures else {
            throw error(at: brace, "captures are for paths, not for folders", hint: "'*' takes any text within one part")
        }
        guard let close = scalars[brace...].firstIndex(of: "}"), !scalars[brace..<close].contains("/") else {
            throw error(at: brace, "'{' without '}' in the same part", hint: "write '\\{' for the character itself")
        }
        let name = CaptureName.text(of: scalars[(brace + 1)..<close])
        guard !name.contains(",") else {
            throw error(
                at: brace, "braces capture text under a name, they do not list alternatives",
                hint: "write one route for each alternative, or a set such as [ab] for single characters")
        }
        guard CaptureName.isName(name) else {
            throw error(
                at: brace, "'{\(name)}' is not a capture: its name is a letter, then letters, digits, '-' or '_'",
                hint: "write '\\{' for the character itself")
        }
        guard !TemplateField.reservedNames.contains(name) else {
            throw error(
                at: brace, "'{\(name)}' has a meaning of its own in key templates", hint: "choose another name for the capture")
        }
        guard !captureNames.contains(name) else { throw error(at: brace, "'{\(name)}' is captured twice") }
        captureNames.append(name)
        position = close + 1
        return name
    }

    private mutating func set() throws(PatternError) -> PartPattern.Single {
        let bracket = position
        position += 1
        let isNegated = peek(0) == "!" || peek(0) == "^"
        if isNegated { position += 1 }
        var ranges: [ClosedRange<UInt32>] = []
        while peek(0) != "]" {
            guard let next = peek(0), next != "/" else {
                throw error(at: bracket, "'[' without ']' in the same part", hint: "write '\\[' for the character itself")
            }
            let start = position
            let low = try literal().value
            var high = low
            if peek(0) == "-", let end = peek(1), end != "]", end != "/" {
                position += 1
                high = try literal().value
            }
            guard low <= high else { throw error(at: start, "the range runs backwards") }
            ranges.append(low...high)
        }
        guard !ranges.isEmpty else { throw error(at: bracket, "the set is empty", hint: "write '\\[' for the character itself") }
        position += 1
        return .set(ranges, isNegated: isNegated)
    }

    private func peek(_ distance: Int) -> Unicode.Scalar? {
        position + distance < scalars.count ? scalars[position + distance] : nil
    }

    private func lonelyStars(at offset: Int) -> PatternError {
        error(at: offset, "'**' takes whole parts and stands alone between slashes", hint: "within a part, '*' is enough")
    }

    private func error(at offset: Int, _ what: String, hint: String? = nil) -> PatternError {
        PatternError(text: text, offset: offset, what: what, hint: hint)
    }
}

/// The form of the names in braces.
enum CaptureName {
    static func text(of scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }

    static func isName(_ text: String) -> Bool {
        let isLetter: (UInt8) -> Bool = {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
        }
        return (1...63).contains(text.utf8.count) && text.utf8.first.map(isLetter) == true
            && text.utf8.allSatisfy {
                isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "_")
            }
    }
}
