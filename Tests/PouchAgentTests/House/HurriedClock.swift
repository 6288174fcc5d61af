import PouchKit

/// Time that passes thirty times as fast: what an agent waits for comes soon, and in the right order.
struct HurriedClock: AgentClock {
    private static let haste = 30
    private let machine = SystemClock()
    private let wallStart = SystemClock().now
    private let start = SystemClock().monotonic

    var monotonic: Duration { (machine.monotonic - start) * Self.haste }
    var now: Timestamp { wallStart.advanced(by: monotonic) }
    func sleep(for duration: Duration) async throws { try await machine.sleep(for: duration / Self.haste) }
}
