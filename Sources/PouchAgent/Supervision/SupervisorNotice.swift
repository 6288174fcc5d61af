/// What whoever supervises the agent is told, in the words of sd_notify(3). A value: facts in, text out.
package enum SupervisorNotice: Hashable, Sendable {
    /// What was asked for is done: the agent is open, or its configuration was read again.
    case ready
    /// The configuration is being read again since then, on CLOCK_MONOTONIC.
    case reloading(monotonicMicroseconds: Int64)
    case stopping
    /// The loops move.
    case alive
    /// One line for people; more than one become one.
    case status(String)

    /// `systemctl status` shows one line, and a datagram has little room.
    private static let longestStatus = 500

    package var text: String {
        switch self {
        case .ready: "READY=1"
        case .reloading(let time): "RELOADING=1\nMONOTONIC_USEC=\(time)"
        case .stopping: "STOPPING=1"
        case .alive: "WATCHDOG=1"
        case .status(let line): "STATUS=" + Self.oneLine(line)
        }
    }

    /// A line end would begin another assignment, and a file's name may have one.
    private static func oneLine(_ text: String) -> String {
        let printable = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
        guard printable.count > longestStatus else { return String(printable) }
        return String(printable.prefix(longestStatus - 1)) + "…"
    }
}
