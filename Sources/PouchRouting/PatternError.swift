/// What is wrong with a pattern, a template or a condition, and where in its text.
package struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    package let text: String
    /// Where it is wrong, in Unicode scalars from the beginning: the way in which a YAML reader counts columns.
    package let offset: Int
    package let what: String
    package let hint: String?

    package init(text: String, offset: Int, what: String, hint: String? = nil) {
        self.text = text
        self.offset = offset
        self.what = what
        self.hint = hint
    }

    /// `'<text>', character N: <what>`, and the hint on a second line.
    package var description: String {
        "'\(text)', character \(offset + 1): \(what)" + (hint.map { "\nhint: \($0)" } ?? "")
    }
}
