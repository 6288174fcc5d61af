/// What a service manager asks of the processes that it starts: where to tell it something, and how often to show life.
package struct SupervisorContract: Hashable, Sendable {
    /// The socket's name, as sd_notify(3) has it.
    package let socket: String
    /// Without a sign of life for that long the process is taken for stuck; `nil`: nobody watches.
    package let watchdog: Duration?

    /// - Parameter environment: of this process. `nil` when nobody asks for anything.
    package init?(environment: [String: String], process: Int32) {
        guard let socket = environment["NOTIFY_SOCKET"], !socket.isEmpty else { return nil }
        self.socket = socket
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isOurs && limit > 0 ? .microseconds(limit) : nil
    }
}
