/// Something wrong, or doubtful, in a configuration file.
package struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Hashable, Sendable, Codable {
        case error, warning
    }

    package let severity: Severity
    /// The file as the operator named it.
    package let file: String
    /// `nil` when the whole file is meant.
    package let mark: Mark?
    package let text: String
    /// The fix, where we know it.
    package let hint: String?

    package init(
        _ severity: Severity = .error,
        file: String,
        mark: Mark?,
        _ text: String,
        hint: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.mark = mark
        self.text = text
        self.hint = hint
    }

    /// `agent.yaml:41:7: <text>`, and `hint: <fix>` on a second line.
    package var description: String {
        file + (mark.map { ":\($0)" } ?? "") + ": " + (severity == .warning ? "warning: " : "") + text
            + (hint.map { "\nhint: \($0)" } ?? "")
    }

    /// In the order of the file; what concerns the whole file comes first. The same problem is told once.
    package static func inOrder(_ problems: [ConfigurationProblem]) -> [ConfigurationProblem] {
        var told: Set<ConfigurationProblem> = []
        return problems.filter { told.insert($0).inserted }.enumerated().sorted { left, right in
            let (leftMark, rightMark) = (left.element.mark, right.element.mark)
            guard leftMark != rightMark else { return left.offset < right.offset }
            guard let leftMark else { return true }
            guard let rightMark else { return false }
            return leftMark < rightMark
        }.map(\.element)
    }
}
