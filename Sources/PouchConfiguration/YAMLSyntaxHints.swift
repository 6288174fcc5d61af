extension YAMLText.Problem {
    /// libyaml's message with what it was doing, and what usually causes it.
    init(_ error: YAMLSyntaxError, in bytes: [UInt8]) {
        guard YAMLText.byte(at: error.mark, in: bytes) != UInt8(ascii: "\t") else {
            self.init(mark: error.mark, text: "a tab where only spaces may stand", hint: "indent with spaces")
            return
        }
        if let quote = error.context, quote.text.contains("quoted scalar"), error.text.contains("unexpected") {
            self.init(mark: quote.mark, text: "a quoted text that is not closed", hint: "the quote that begins here has no partner")
            return
        }
        let context = error.context.map { " \($0.text)" + ($0.mark == error.mark ? "" : " that begins at \($0.mark)") }
        let cause = Self.hints.first { error.text.contains($0.text) }
        self.init(mark: error.mark, text: error.text + (context ?? ""), hint: cause?.hint)
    }

    private static let hints: [(text: String, hint: String)] = [
        ("cannot start any token", "a value that begins with '@', '`' or '%' needs quotes"),
        ("tab character", "indent with spaces, not tabs"),
        ("mapping values are not allowed", "a value with ': ' in it needs quotes; otherwise look at the indentation"),
        ("did not find expected key", "look at the indentation of this line and of those above"),
        ("did not find expected '-' indicator", "look at the indentation of this line and of those above"),
        ("did not find expected <document start>", "look at the indentation of this line and of those above"),
        ("could not find expected ':'", "each line of a mapping is 'key: value'; a long text needs quotes or '|'"),
        ("did not find expected ',' or", "a bracket is not closed, or a value with one of , [ ] { } in it needs quotes"),
        ("unknown escape character", "in double quotes a backslash begins an escape; use single quotes"),
        ("did not find expected node content", "a value that begins with one of , ] } needs quotes"),
        ("undefined tag handle", "a value that begins with '!' needs quotes"),
        ("alphabetic or numeric character", "a value that begins with '*' or '&' needs quotes"),
    ]
}
