/// When temporary credentials are exchanged for new ones. Times are on the monotonic clock: the wall clock of an edge server may
/// be wrong, and may jump.
package struct RefreshSchedule: Hashable, Sendable {
    package enum Advice: Hashable, Sendable {
        case use
        /// Get new ones; whoever else asks meanwhile goes on with these.
        case refreshAhead
        /// Get new ones first. When that fails these are used as long as they last.
        case refreshFirst
        /// They are of no use any more.
        case expired
    }

    private static let advisory: Duration = .seconds(15 * 60)
    private static let mandatory: Duration = .seconds(10 * 60)
    /// After a failed refresh ahead of time.
    private static let pause: Duration = .seconds(60)

    private let obtained: Duration
    private let lifetime: Duration
    private var notBefore: Duration

    package init(obtained: Duration, lifetime: Duration) {
        self.obtained = obtained
        self.lifetime = lifetime
        notBefore = obtained
    }

    /// 15 and 10 minutes before the end. Sessions that are short themselves are exchanged in their last quarter, not at once.
    package func advice(at now: Duration) -> Advice {
        let left = obtained + lifetime - now
        if left <= .zero { return .expired }
        if left <= min(Self.mandatory, lifetime / 6) { return now >= notBefore ? .refreshFirst : .use }
        if left <= min(Self.advisory, lifetime / 4) { return now >= notBefore ? .refreshAhead : .use }
        return .use
    }

    /// A refresh failed: the next one is not tried at once.
    package mutating func failed(at now: Duration) { notBefore = now + Self.pause }
}
