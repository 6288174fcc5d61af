/// Splits a command as a shell would, and does nothing else that a shell does: no variables, no patterns, no substitution.
package enum ShellWords {
    package struct Problem: Error, Hashable, Sendable {
        package let text: String
    }

    private enum Quote { case none, single, double }

    /// - Throws: `Problem` for a quotation that does not end, and for what has no word at all.
    package static func split(_ command: String) throws(Problem) -> [String] {
        var words: [String] = []
        var word: String?
        var quote = Quote.none
        var rest = command[...]
        while let character = rest.popFirst() {
            switch (quote, character) {
            case (.none, "'"): (quote, word) = (.single, word ?? "")
            case (.none, "\""): (quote, word) = (.double, word ?? "")
            case (.single, "'"), (.double, "\""): quote = .none
            case (.none, "\\"):
                guard let next = rest.popFirst() else { throw Problem(text: "it ends with a backslash") }
                word = (word ?? "") + String(next)
            case (.double, "\\"):
                // Within double quotes a backslash is one, except before these.
                let isEscape = rest.first.map { "\"\\$`".contains($0) } == true
                word = (word ?? "") + String(isEscape ? rest.removeFirst() : character)
            case (.none, _) where character.isWhitespace:
                if let finished = word { words.append(finished) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        guard quote == .none else { throw Problem(text: "a quotation does not end") }
        if let word { words.append(word) }
        guard !words.isEmpty else { throw Problem(text: "there is no command") }
        return words
    }
}
