/// Tells a plugin that talks too much from one that works: what answers nothing may come at a steady rate, with a stock for bursts.
package struct FloodGuard: Hashable, Sendable {
    private static let stock = 4_000.0
    private static let perSecond = 1_000.0

    private var left = FloodGuard.stock
    private var last: Duration

    package init(now: Duration) { last = now }

    /// - Returns: false when it is too much.
    package mutating func takes(at now: Duration) -> Bool {
        let passed = (now - last) / .seconds(1)
        last = now
        left = min(left + passed * Self.perSecond, Self.stock) - 1
        return left >= 0
    }
}
