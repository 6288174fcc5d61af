/// Keeps a partner that does not answer from costing more than one probe an interval.
///
/// Closed: everything passes. After `threshold` failures in a row it opens: nothing passes until the interval is over, then one
/// probe; its success closes the breaker, its failure opens it for longer.
package struct Breaker: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case closed(failures: Int)
        case open(until: Duration, opened: Int)
        case probing(opened: Int)
    }

    package private(set) var state = State.closed(failures: 0)
    private let threshold: Int
    private let backoff: Backoff

    package init(threshold: Int = 5, backoff: Backoff = Backoff(first: .seconds(5), longest: .seconds(300))) {
        self.threshold = threshold
        self.backoff = backoff
    }

    package enum Passage: Hashable, Sendable {
        case free
        case probe
        /// Nobody passes before this time of the monotonic clock; `nil` while a probe is on its way.
        case closedUntil(Duration?)
    }

    package func passage(at time: Duration) -> Passage {
        switch state {
        case .closed: .free
        case .open(let until, _): time >= until ? .probe : .closedUntil(until)
        case .probing: .closedUntil(nil)
        }
    }

    /// When the next probe may go, on the monotonic clock; `nil` while everything passes, or a probe is on its way.
    package var nextProbe: Duration? {
        if case .open(let until, _) = state { return until }
        return nil
    }

    /// Call it when the delivery that `passage` let through as a probe begins.
    package mutating func probeBegan() {
        if case .open(_, let opened) = state { state = .probing(opened: opened) }
    }

    /// The far end answered sensibly, whatever it said of the one file.
    package mutating func answered() { state = .closed(failures: 0) }

    /// The far end could not be reached, or asked for peace.
    package mutating func failed(at time: Duration, jitter: Double) {
        switch state {
        case .closed(let failures) where failures + 1 < threshold:
            state = .closed(failures: failures + 1)
        case .closed:
            state = .open(until: time + backoff.delay(afterFailures: 1, jitter: jitter), opened: 1)
        case .probing(let opened):
            state = .open(until: time + backoff.delay(afterFailures: opened + 1, jitter: jitter), opened: opened + 1)
        case .open:
            // A delivery that began before the breaker opened: its failure says nothing new.
            break
        }
    }

    /// A probe that ended without telling anything of the far end (cancelled, source changed).
    package mutating func probeEndedSilently(at time: Duration) {
        if case .probing(let opened) = state { state = .open(until: time, opened: opened) }
    }
}

extension Breaker.State {
    /// Nothing passes but a probe now and then.
    var isOpen: Bool {
        if case .closed = self { return false }
        return true
    }
}
