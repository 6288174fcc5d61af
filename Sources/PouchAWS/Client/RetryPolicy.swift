/// When a request is sent again, as the SDKs do since 2026. It suits requests; over hours and days the agent's own schedule rules.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
package struct RetryPolicy: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// The network, a server's failure.
        case transient
        /// The far end asks for a slower pace.
        case throttling
    }

    /// The first included.
    package var mostAttempts = 3
    package var transientBase: Duration = .milliseconds(50)
    package var throttlingBase: Duration = .seconds(1)
    package var longestDelay: Duration = .seconds(20)
    /// How much longer than our own delay the far end may make us wait.
    package var hintAllowance: Duration = .seconds(5)

    package init() {}

    /// How long to wait after the given attempt failed; `nil` when it was the last one.
    ///
    /// - Parameters:
    ///   - attempt: 1 for the first.
    ///   - jitter: 0 up to 1, drawn anew each time, so that many clients do not come back together.
    ///   - hint: What the far end asked for.
    package func delay(after attempt: Int, cause: Cause, jitter: Double, hint: Duration? = nil) -> Duration? {
        guard attempt < mostAttempts else { return nil }
        let base = cause == .throttling ? throttlingBase : transientBase
        var ceiling = base
        for _ in 1..<max(attempt, 1) where ceiling < longestDelay { ceiling *= 2 }
        let delay = min(ceiling, longestDelay) * jitter
        guard let hint else { return delay }
        return max(delay, min(hint, delay + hintAllowance))
    }
}

/// What retries may cost in all: when a service fails as a whole, requests fail at once instead of being sent three times.
package struct RetryQuota: Hashable, Sendable {
    package static let capacity = 500

    package private(set) var available = capacity

    package init() {}

    package static func cost(of cause: RetryPolicy.Cause) -> Int { cause == .throttling ? 5 : 14 }

    /// Pays for one retry; `false` when there is not enough left.
    package mutating func withdraw(_ cause: RetryPolicy.Cause) -> Bool {
        let cost = Self.cost(of: cause)
        guard available >= cost else { return false }
        available -= cost
        return true
    }

    /// A request succeeded: the price of its last retry comes back, or 1 when it needed none.
    package mutating func refund(lastRetry cause: RetryPolicy.Cause?) {
        available = min(Self.capacity, available + (cause.map(Self.cost) ?? 1))
    }
}
