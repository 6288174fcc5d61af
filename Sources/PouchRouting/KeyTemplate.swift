package import PouchKit

/// The key under which a partner receives a drop: `{region}/{date:yyyy-MM-dd}/{name}`.
///
/// | field | is |
/// |---|---|
/// | `{name}` | the last part of the path: `eu-1.csv` |
/// | `{stem}`, `{ext}` | the name before and after its last dot: `eu-1`, `csv`. Without an extension, `.{ext}` leaves the dot out |
/// | `{path}` | the whole path in the drop folder: `reports/eu-1.csv` |
/// | `{folder}` | the path without its last part: `reports`. At the top of the drop folder it is empty, and a part made of it alone is left out |
/// | `{date}`, `{date:yyyy/MM}` | the time of the admission in UTC; yyyy MM dd HH mm ss |
/// | `{region}` | what the pattern of the same route captured |
///
/// `\{` is the character itself. Whatever the drop is called, the result is a `DeliveryKey`, or a `KeyFailure` that says
/// which rule it would have broken.
package struct KeyTemplate: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    package let description: String
    private let parts: [Part]

    /// One part of the key; only `{path}`, `{folder}` and a date may bring more slashes.
    struct Part: Hashable, Sendable {
        var source = ""
        var pieces: [Piece] = []
    }

    enum Piece: Hashable, Sendable {
        case literal(String)
        case field(TemplateField)
    }

    /// `{path}`: the drop keeps its path.
    package static let path = KeyTemplate(description: "{path}", parts: [Part(source: "{path}", pieces: [.field(.path)])])

    /// - Parameter captures: the names that the pattern of the route captures.
    /// - Throws: `PatternError` for an unknown field and for a part that can never be safe.
    package init(_ text: String, captures: [String] = []) throws(PatternError) {
        var parser = TemplateParser(text, captures: captures)
        parts = try parser.parse()
        description = text
    }

    private init(description: String, parts: [Part]) {
        self.description = description
        self.parts = parts
    }

    /// True when the key says nothing about the drop but what all drops share: each would be a taken key after the first.
    package var isConstant: Bool {
        parts.allSatisfy { part in
            part.pieces.allSatisfy { piece in
                guard case .field = piece else { return true }
                return false
            }
        }
    }

    /// - Throws: `KeyFailure`. A name that is not UTF-8 fails only a template that uses it.
    package func key(for drop: DropFacts, captures: [Capture]) throws(KeyFailure) -> DeliveryKey {
        var texts: [String] = []
        for part in parts {
            let text = try text(of: part, drop, captures)
            if text.isEmpty {
                guard part.pieces == [.field(.folder)] else {
                    throw failure(.unsafe, "the part '\(part.source)' is empty for '\(drop.path)'")
                }
                continue
            }
            try check(text, of: part)
            texts.append(text)
        }
        let key = texts.joined(separator: "/")
        guard key.utf8.count <= DeliveryKey.longestKey else {
            throw failure(.tooLong, "it would have \(key.utf8.count) bytes, a key has at most \(DeliveryKey.longestKey)")
        }
        do {
            return try DeliveryKey(key)
        } catch {
            throw failure(.unsafe, "expected \(error.expectation), found '\(error.text)'")
        }
    }

    private func text(of part: Part, _ drop: DropFacts, _ captures: [Capture]) throws(KeyFailure) -> String {
        var text = ""
        var endsInLiteralDot = false
        for piece in part.pieces {
            switch piece {
            case .literal(let literal):
                text += literal
                endsInLiteralDot = literal.utf8.last == UInt8(ascii: ".")
            case .field(let field):
                let bytes = field.bytes(for: drop, captures: captures)
                guard let value = String(validating: bytes, as: UTF8.self) else {
                    throw failure(.notUTF8, "'\(VisibleText.escaped(bytes))', which {\(field)} stands for, is not UTF-8")
                }
                guard field.mayHaveSlashes || !bytes.contains(UInt8(ascii: "/")) else {
                    throw failure(.unsafe, "'\(VisibleText.escaped(bytes))', which {\(field)} stands for, contains '/'")
                }
                if field == .ext, value.isEmpty, endsInLiteralDot { text.unicodeScalars.removeLast() }
                text += value
                endsInLiteralDot = false
            }
        }
        return text
    }

    private func check(_ text: String, of part: Part) throws(KeyFailure) {
        if let control = text.unicodeScalars.first(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw failure(
                .unsafe, "the part '\(part.source)' would contain the control character U+\(Self.fourDigits(control.value))")
        }
        let pieces = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !pieces.contains(where: \.isEmpty) else {
            throw failure(.unsafe, "the part '\(part.source)' would have an empty part")
        }
        let dots = pieces.first { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
        if let dots { throw failure(.unsafe, "the part '\(part.source)' would be '\(Substring(dots))'") }
    }

    private static func fourDigits(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private func failure(_ code: KeyFailure.Code, _ rule: String) -> KeyFailure {
        KeyFailure(code: code, template: description, rule: rule)
    }
}

/// Why a drop has no key: it is quarantined with this reason.
package struct KeyFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable, Codable, CaseIterable {
        case notUTF8 = "name-not-utf8"
        case tooLong = "key-too-long"
        case unsafe = "key-unsafe"
    }

    package let code: Code
    package let template: String
    /// Which rule the key would have broken.
    package let rule: String

    package init(code: Code, template: String, rule: String) {
        self.code = code
        self.template = template
        self.rule = rule
    }

    /// `no key by '{name}': <rule>`
    package var description: String { "no key by '\(template)': \(rule)" }
}
