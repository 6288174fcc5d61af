/// Why the agent cannot start.
package struct AgentFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let text: String
    package let hint: String?
    /// Another agent has the state folder.
    package let isInUse: Bool

    package init(_ text: String, hint: String? = nil, isInUse: Bool = false) {
        self.text = text
        self.hint = hint
        self.isInUse = isInUse
    }

    package var description: String { text + (hint.map { "\nhint: \($0)" } ?? "") }
}
