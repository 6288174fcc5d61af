/// Terraform's language, as `terraform fmt` leaves it.
indirect enum HCL {
    /// A name and an expression.
    case attribute(String, String)
    case block(String, [String], [HCL])
    case comment(String)

    /// A text in quotes, whose `${` and `%{` mean nothing.
    static func text(_ text: String) -> String {
        JSONText.quoted(text).replacing("${", with: "$${").replacing("%{", with: "%%{")
    }

    /// What stands in a file beside this one.
    static func file(_ name: String) -> String { "file(\"${path.module}/\(name)\")" }

    static func document(_ items: [HCL]) -> String { items.map { $0.lines(indent: "") }.joined(separator: "\n") }

    private func lines(indent: String, width: Int = 0) -> String {
        switch self {
        case .attribute(let name, let value):
            let padding = String(repeating: " ", count: max(0, width - name.count))
            return "\(indent)\(name)\(padding) = \(value)\n"
        case .comment(let text): return "\(indent)# \(text)\n"
        case .block(let kind, let labels, let items):
            let head = ([kind] + labels.map(JSONText.quoted)).joined(separator: " ")
            guard !items.isEmpty else { return "\(indent)\(head) {}\n" }
            return "\(indent)\(head) {\n" + Self.body(items, indent: indent + "  ") + "\(indent)}\n"
        }
    }

    /// Attributes that follow each other have their equals signs in one column; a block stands apart.
    private static func body(_ items: [HCL], indent: String) -> String {
        var text = ""
        var run: [HCL] = []
        func closeRun() {
            let width = run.map { if case .attribute(let name, _) = $0 { name.count } else { 0 } }.max() ?? 0
            text += run.map { $0.lines(indent: indent, width: width) }.joined()
            run = []
        }
        for item in items {
            if case .block = item {
                closeRun()
                text += (text.isEmpty ? "" : "\n") + item.lines(indent: indent)
            } else {
                if run.isEmpty, !text.isEmpty { text += "\n" }
                run.append(item)
            }
        }
        closeRun()
        return text
    }
}
