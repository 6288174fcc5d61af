import PouchAWS
import Testing

@Suite("The retry policy")
struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test("gives up after three attempts")
    func givesUp() {
        #expect(policy.delay(after: 1, cause: .transient, jitter: 1) != nil)
        #expect(policy.delay(after: 2, cause: .transient, jitter: 1) != nil)
        #expect(policy.delay(after: 3, cause: .transient, jitter: 1) == nil)
    }

    @Test("doubles from 50 ms, or from a second when the far end is too busy, up to 20 s, times the jitter")
    func doubles() {
        var patient = RetryPolicy()
        patient.mostAttempts = 100
        #expect(patient.delay(after: 1, cause: .transient, jitter: 1) == .milliseconds(50))
        #expect(patient.delay(after: 2, cause: .transient, jitter: 1) == .milliseconds(100))
        #expect(patient.delay(after: 2, cause: .transient, jitter: 0.5) == .milliseconds(50))
        #expect(patient.delay(after: 1, cause: .throttling, jitter: 1) == .seconds(1))
        #expect(patient.delay(after: 50, cause: .throttling, jitter: 1) == .seconds(20))
        #expect(patient.delay(after: 1, cause: .throttling, jitter: 0) == .zero)
    }

    @Test("waits as long as the far end asks, but at most five seconds longer than it would have")
    func honoursTheHint() {
        #expect(policy.delay(after: 1, cause: .transient, jitter: 0, hint: .seconds(3)) == .seconds(3))
        #expect(policy.delay(after: 1, cause: .transient, jitter: 0, hint: .seconds(60)) == .seconds(5))
        #expect(policy.delay(after: 1, cause: .throttling, jitter: 1, hint: .milliseconds(10)) == .seconds(1))
    }

    @Test("the quota is 500; a retry costs 14, or 5 when throttled; success gives the price of the last retry back, or 1")
    func quota() {
        var quota = RetryQuota()
        #expect(quota.available == 500)
        let isTransientPaid = quota.withdraw(.transient)
        #expect(isTransientPaid)
        #expect(quota.available == 486)
        let isThrottlingPaid = quota.withdraw(.throttling)
        #expect(isThrottlingPaid)
        #expect(quota.available == 481)
        quota.refund(lastRetry: .throttling)
        #expect(quota.available == 486)
        quota.refund(lastRetry: nil)
        #expect(quota.available == 487)
        quota.refund(lastRetry: .transient)
        #expect(quota.available == 500)
        while quota.withdraw(.transient) {}
        #expect(quota.available < 14)
        #expect(quota.available >= 0)
    }
}
