/// Spreads bytes over time at a given rate: whoever wants to send reserves first, and is told how many and from when on. The time and
/// the rate are arguments; a new rate holds from the next reservation on.
public struct ByteSchedule: Hashable, Sendable {
    public struct Reservation: Hashable, Sendable {
        public let count: Int64
        /// Not before.
        public let start: Duration
    }

    /// What may be made up for after a timer that came late; also the longest burst after a rest.
    private static let slack: Duration = .milliseconds(100)
    /// One reservation takes about a thirtieth of a second: everybody's turn comes soon, and a new rate holds soon.
    private static let reservationsPerSecond: Int64 = 32
    private static let smallest: Int64 = 64
    private static let largest: Int64 = 256 << 10

    /// Everything that was reserved has left by then.
    private var free: Duration?

    public init() {}

    public mutating func reserve(upTo wanted: Int64, rate: Int64, at now: Duration) -> Reservation {
        let rate = max(rate, 1)
        let count = min(wanted, min(max(rate / Self.reservationsPerSecond, Self.smallest), Self.largest))
        // Nothing was sent before the first: there is nothing to make up for.
        let start = max(free ?? now, now - Self.slack)
        free = start + .nanoseconds(Int64((Double(count) / Double(rate) * 1_000_000_000).rounded()))
        return Reservation(count: count, start: start)
    }
}
