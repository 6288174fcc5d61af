/// What a test does to the conversation between host and plugin: it sees each message before the host does.
package struct PluginInterference: Sendable {
    package enum Moment: Hashable, Sendable {
        case progress, checkpoint
        /// A checkpoint that announces that the file is about to become visible.
        case ready
        /// `done`, or `handed-over`.
        case done
        case other
    }

    /// - Returns: false: the message is lost, and the plugin is killed.
    package typealias Look = @Sendable (Moment) -> Bool

    /// Who wrote a line.
    package enum Side: String, Sendable {
        case host, plugin
        /// The plugin, for people.
        case standardError = "stderr"
    }

    /// Is told each line of the conversation, without secrets.
    package typealias Listen = @Sendable (Side, String) -> Void

    let look: Look
    let listen: Listen?

    package init(_ look: @escaping Look, listen: Listen? = nil) {
        self.look = look
        self.listen = listen
    }

    func takes(_ message: PluginMessage.Content) -> Bool {
        switch message {
        case .progress: look(.progress)
        case .checkpoint(_, let ready): look(ready == nil ? .checkpoint : .ready)
        case .done, .handedOver: look(.done)
        default: look(.other)
        }
    }
}
