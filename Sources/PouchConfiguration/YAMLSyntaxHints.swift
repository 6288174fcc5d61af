extension YAMLText.Problem {
    /// libyaml's message with what it was doing, and what usually causes it.
    init(_ error: YAMLSyntaxError) {
        let context = error.context.map { " \($0.text)" + ($0.mark == error.mark ? "" : " that begins at \($0.mark)") }
        let hint = Self.hints.first {
            error.text.contains($0.text) && ($0.context.isEmpty || context?.contains($0.context) == true)
        }
        self.init(mark: error.mark, text: error.text + (context ?? ""), hint: hint?.hint)
    }

    private static let hints: [(text: String, context: String, hint: String)] = [
        ("cannot start any token", "", "indent with spaces, not tabs; a value that begins with '@', '`' or '%' needs quotes"),
        ("tab character", "", "indent with spaces, not tabs"),
        ("mapping values are not allowed", "", "a value with ': ' in it needs quotes; otherwise look at the indentation"),
        ("end of stream", "quoted scalar", "a quote is not closed"),
        ("document indicator", "quoted scalar", "a quote is not closed"),
        ("did not find expected key", "", "look at the indentation of this line and of those above"),
        ("did not find expected '-' indicator", "", "look at the indentation of this line and of those above"),
        ("could not find expected ':'", "", "each line of a mapping is 'key: value'; a long text needs quotes or '|'"),
        ("did not find expected ',' or", "", "a bracket is not closed, or a value with one of , [ ] { } in it needs quotes"),
        ("unknown escape character", "", "in double quotes a backslash begins an escape; use single quotes"),
        ("did not find expected node content", "", "a value that begins with one of , ] } needs quotes"),
        ("undefined tag handle", "", "a value that begins with '!' needs quotes"),
        ("alphabetic or numeric character", "", "a value that begins with '*' or '&' needs quotes"),
    ]
}
