/// How long to wait before the next attempt: doubling, bounded, with full jitter, so that many deliveries that failed together do
/// not come back together.
package struct Backoff: Hashable, Sendable {
    package let first: Duration
    package let longest: Duration

    package init(first: Duration = .seconds(1), longest: Duration = .seconds(3_600)) {
        self.first = first
        self.longest = longest
    }

    /// - Parameters:
    ///   - failures: how many attempts failed in a row, from 1.
    ///   - jitter: 0 ..< 1, from the caller's random source.
    /// - Returns: between half the step and the whole step.
    package func delay(afterFailures failures: Int, jitter: Double) -> Duration {
        var step = first
        // 2^40 seconds is far beyond any `longest`: the loop is bounded whatever the count.
        for _ in 1..<max(1, min(failures, 40)) where step < longest { step *= 2 }
        step = min(step, longest)
        return step / 2 + step / 2 * min(max(jitter, 0), 1)
    }
}
