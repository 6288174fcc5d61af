/// When a plugin that was lost may be started again: at once after one loss, then after pauses that double up to a minute.
package struct RestartSchedule: Hashable, Sendable {
    private static let longest = Duration.seconds(60)

    package init() {}

    private var losses = 0
    private var notBefore: Duration?

    package mutating func lost(at now: Duration) {
        losses += 1
        guard losses > 1 else { return }
        notBefore = now + min(.seconds(1) * (1 << min(losses - 2, 10)), Self.longest)
    }

    /// It did what it was asked to.
    package mutating func worked() {
        losses = 0
        notBefore = nil
    }

    /// How long a start must wait; `nil`: not at all.
    package func wait(at now: Duration) -> Duration? {
        guard let notBefore, notBefore > now else { return nil }
        return notBefore - now
    }
}
