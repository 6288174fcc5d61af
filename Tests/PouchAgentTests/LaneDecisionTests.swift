import PouchAgent
import PouchKit
import Testing

@Suite("the pause between attempts")
struct BackoffTests {
    private let backoff = Backoff(first: .seconds(2), longest: .seconds(60))

    @Test("doubles with each failure and never exceeds the longest")
    func doubles() {
        #expect(backoff.delay(afterFailures: 1, jitter: 1) == .seconds(2))
        #expect(backoff.delay(afterFailures: 2, jitter: 1) == .seconds(4))
        #expect(backoff.delay(afterFailures: 5, jitter: 1) == .seconds(32))
        #expect(backoff.delay(afterFailures: 6, jitter: 1) == .seconds(60))
        #expect(backoff.delay(afterFailures: 1_000_000, jitter: 1) == .seconds(60))
    }

    @Test("is jittered between half and all of its step")
    func jitters() {
        #expect(backoff.delay(afterFailures: 2, jitter: 0) == .seconds(2))
        #expect(backoff.delay(afterFailures: 2, jitter: 0.5) == .seconds(3))
    }
}

@Suite("the breaker of a partner")
struct BreakerTests {
    private func opened() -> Breaker {
        var breaker = Breaker(threshold: 3, backoff: Backoff(first: .seconds(10), longest: .seconds(40)))
        for _ in 0..<3 { breaker.failed(at: .zero, jitter: 1) }
        return breaker
    }

    @Test("lets everything through until the failures in a row reach the threshold")
    func staysClosed() {
        var breaker = Breaker(threshold: 3)
        breaker.failed(at: .zero, jitter: 1)
        breaker.failed(at: .zero, jitter: 1)
        #expect(breaker.passage(at: .zero) == .free)
        breaker.answered()
        breaker.failed(at: .zero, jitter: 1)
        breaker.failed(at: .zero, jitter: 1)
        #expect(breaker.passage(at: .zero) == .free)
        breaker.failed(at: .zero, jitter: 1)
        #expect(breaker.passage(at: .zero) != .free)
    }

    @Test("lets one probe through after the interval, and nothing beside it")
    func probes() {
        var breaker = opened()
        #expect(breaker.passage(at: .seconds(9)) == .closedUntil(.seconds(10)))
        #expect(breaker.passage(at: .seconds(10)) == .probe)
        breaker.probeBegan()
        #expect(breaker.passage(at: .seconds(11)) == .closedUntil(nil))
    }

    @Test("closes when the probe is answered")
    func closes() {
        var breaker = opened()
        breaker.probeBegan()
        breaker.answered()
        #expect(breaker.passage(at: .seconds(10)) == .free)
    }

    @Test("opens for longer each time the probe fails, up to the longest")
    func opensLonger() {
        var breaker = opened()
        var now = Duration.seconds(10)
        for expected in [20, 40, 40] {
            breaker.probeBegan()
            breaker.failed(at: now, jitter: 1)
            #expect(breaker.passage(at: now) == .closedUntil(now + .seconds(expected)))
            now += .seconds(expected)
        }
    }

    @Test("may be probed again at once when a probe ended without an answer")
    func probeEndsSilently() {
        var breaker = opened()
        breaker.probeBegan()
        breaker.probeEndedSilently(at: .seconds(12))
        #expect(breaker.passage(at: .seconds(12)) == .probe)
    }

    @Test("is not opened further by deliveries that had begun before")
    func ignoresStragglers() {
        var breaker = opened()
        breaker.failed(at: .seconds(5), jitter: 1)
        #expect(breaker.passage(at: .seconds(10)) == .probe)
    }
}

@Suite("the gate of a lane")
struct LaneGateTests {
    @Test("lets as many deliveries run as there are slots")
    func countsSlots() {
        var gate = LaneGate(slots: 2)
        gate.began(asProbe: false)
        #expect(gate.verdict(at: .zero) == .begin(asProbe: false))
        gate.began(asProbe: false)
        #expect(gate.verdict(at: .zero) == .wait(until: nil))
        gate.ended(.answered, at: .zero, jitter: 1)
        #expect(gate.verdict(at: .zero) == .begin(asProbe: false))
    }

    @Test("begins nothing while the partner is held")
    func holds() {
        var gate = LaneGate(slots: 2)
        gate.hold = PartnerHold(code: "AccessDenied", reason: "the publisher may not write")
        #expect(gate.verdict(at: .zero) == .held)
        gate.hold = nil
        #expect(gate.verdict(at: .zero) == .begin(asProbe: false))
    }

    @Test("sends one probe when the breaker is open and nothing runs")
    func probesAlone() {
        var gate = LaneGate(slots: 4, breaker: Breaker(threshold: 2, backoff: Backoff(first: .seconds(10), longest: .seconds(10))))
        for _ in 0..<3 { gate.began(asProbe: false) }
        gate.ended(.unreachable, at: .zero, jitter: 1)
        gate.ended(.unreachable, at: .zero, jitter: 1)
        #expect(gate.verdict(at: .seconds(1)) == .wait(until: .seconds(10)))
        #expect(gate.verdict(at: .seconds(10)) == .wait(until: nil), "one that began before still runs")
        gate.ended(.silent, at: .seconds(10), jitter: 1)
        #expect(gate.verdict(at: .seconds(10)) == .begin(asProbe: true))
        gate.began(asProbe: true)
        #expect(gate.verdict(at: .seconds(10)) == .wait(until: nil))
        gate.ended(.answered, at: .seconds(11), jitter: 1)
        #expect(gate.verdict(at: .seconds(11)) == .begin(asProbe: false))
    }
}

@Suite("what becomes of a delivery after a failure")
struct DeliveryLifecycleTests {
    private let lifecycle = DeliveryLifecycle(backoff: Backoff(first: .seconds(1), longest: .seconds(3)))

    private func failure(_ remedy: DeliveryFailure.Remedy) -> DeliveryFailure {
        DeliveryFailure(remedy, code: "SlowDown", attempt: "store", cause: "SlowDown (503)")
    }

    @Test("a delay asked for by the other side wins over a shorter one of ours")
    func honoursRetryAfter() {
        #expect(lifecycle.step(after: failure(.retry(after: .seconds(60))), attempt: 1, jitter: 1) == .wait(.seconds(60)))
        #expect(lifecycle.step(after: failure(.retry(after: .milliseconds(1))), attempt: 1, jitter: 1) == .wait(.seconds(1)))
    }

    @Test(
        "a shortage of our own is waited for by seconds, however often it was met",
        arguments: ["EMFILE", "ENFILE", "ENOMEM", "shortage"])
    func shortage(code: String) {
        let failure = DeliveryFailure(.retry, code: code, attempt: "copy", cause: "no more (\(code))")
        #expect(DeliveryLifecycle().step(after: failure, attempt: 2, jitter: 1) == .wait(.seconds(2)))
        #expect(DeliveryLifecycle().step(after: failure, attempt: 30, jitter: 1) == .wait(.seconds(5)))
    }

    @Test("waits longer with each attempt")
    func waitsLonger() {
        #expect(lifecycle.step(after: failure(.retry), attempt: 1, jitter: 1) == .wait(.seconds(1)))
        #expect(lifecycle.step(after: failure(.retry), attempt: 9, jitter: 1) == .wait(.seconds(3)))
    }

    @Test("does what the one who saw the answer chose")
    func followsTheRemedy() {
        #expect(lifecycle.step(after: failure(.hold), attempt: 1, jitter: 1) == .holdPartner)
        #expect(lifecycle.step(after: failure(.quarantine), attempt: 1, jitter: 1) == .quarantine)
        #expect(lifecycle.step(after: failure(.sourceChanged), attempt: 1, jitter: 1) == .retake(after: .seconds(2)))
    }
}

@Suite("alerts")
struct AlertBookTests {
    private func alert(_ code: String, subject: String = "acme") -> Alert {
        Alert(kind: .held, subject: subject, code: code, text: "held", time: Timestamp(seconds: 1))
    }

    @Test("are raised once for each cause")
    func oncePerCause() {
        var book = AlertBook()
        let alerts = [
            alert("AccessDenied"), alert("AccessDenied"), alert("NoSuchBucket"), alert("AccessDenied", subject: "globex"),
        ]
        #expect(alerts.map { book.isNew($0) } == [true, false, true, true])
    }

    @Test("are raised again when the cause was gone in between")
    func again() {
        var book = AlertBook()
        var raised = [book.isNew(alert("AccessDenied"))]
        book.cleared(.held, subject: "globex")
        raised.append(book.isNew(alert("AccessDenied")))
        book.cleared(.held, subject: "acme")
        raised.append(book.isNew(alert("AccessDenied")))
        #expect(raised == [true, false, true])
    }
}

@Suite("a bell")
struct BellTests {
    @Test("that was rung while nobody waited is heard by the next who does")
    func keepsARing() async {
        let bell = Bell()
        bell.ring()
        bell.ring()
        await bell.wait()
    }

    @Test("wakes who waits", arguments: 0..<50)
    func wakes(_: Int) async {
        let bell = Bell()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bell.wait() }
            group.addTask { bell.ring() }
        }
    }

    @Test("lets go of a task that is cancelled")
    func letsGoOnCancellation() async {
        let bell = Bell()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bell.wait() }
            group.cancelAll()
        }
    }

    @Test("stops waiting when the time is over")
    func endsInTime() async {
        await Bell().wait(atMost: .milliseconds(1), on: SystemClock())
    }
}
