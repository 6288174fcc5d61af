package import PouchKit
import Synchronization

/// What the clients of one lane share: the transport, the clock, the quota for retries, and what was learned about clocks and
/// regions.
package final class AWSLink: Sendable {
    let transport: any HTTPTransport
    package let clock: any AgentClock
    /// Which of AWS's own hosts are spoken to, where no endpoint is named.
    let variant: EndpointVariant
    let policy: RetryPolicy
    /// 0 up to 1, drawn for each delay.
    let jitter: @Sendable () -> Double

    private struct Learned {
        var quota = RetryQuota()
        var skews: [String: Duration] = [:]
        var regions: [BucketName: Region] = [:]
    }

    private let learned = Mutex(Learned())

    package init(
        transport: any HTTPTransport,
        clock: any AgentClock,
        variant: EndpointVariant = .plain,
        policy: RetryPolicy = RetryPolicy(),
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.transport = transport
        self.clock = clock
        self.variant = variant
        self.policy = policy
        self.jitter = jitter
    }

    /// How far the clock of that host is ahead of ours, as far as it mattered so far.
    package func skew(of authority: String) -> Duration { learned.withLock { $0.skews[authority] ?? .zero } }

    /// Where the bucket was found, when that is not where it was said to be.
    package func region(of bucket: BucketName) -> Region? { learned.withLock { $0.regions[bucket] } }

    func learn(skew: Duration, of authority: String) { learned.withLock { $0.skews[authority] = skew } }

    func learn(region: Region, of bucket: BucketName) { learned.withLock { $0.regions[bucket] = region } }

    func withdraw(_ cause: RetryPolicy.Cause) -> Bool { learned.withLock { $0.quota.withdraw(cause) } }

    func refund(lastRetry cause: RetryPolicy.Cause?) { learned.withLock { $0.quota.refund(lastRetry: cause) } }
}
