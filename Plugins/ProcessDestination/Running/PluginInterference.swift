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

    let look: Look

    package init(_ look: @escaping Look) { self.look = look }

    func takes(_ message: PluginMessage.Content) -> Bool {
        switch message {
        case .progress: look(.progress)
        case .checkpoint(_, let ready): look(ready == nil ? .checkpoint : .ready)
        case .done, .handedOver: look(.done)
        default: look(.other)
        }
    }
}
