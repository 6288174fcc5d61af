/// Decides whether a lane may begin another delivery now. A value: no clock, no I/O.
package struct LaneGate: Sendable {
    package enum Verdict: Hashable, Sendable {
        case begin(asProbe: Bool)
        /// Ask again at this time of the monotonic clock, or when something ends.
        case wait(until: Duration?)
        /// Ask again when a person released the partner.
        case held
    }

    /// Deliveries at once.
    package private(set) var slots: Int
    package private(set) var running = 0
    package var hold: PartnerHold?
    package private(set) var breaker: Breaker

    package init(slots: Int, hold: PartnerHold? = nil, breaker: Breaker = Breaker()) {
        self.slots = slots
        self.hold = hold
        self.breaker = breaker
    }

    package mutating func change(slots: Int) { self.slots = slots }

    /// What the breaker knew of the far end may be over.
    package mutating func forgetFailures() { breaker = Breaker() }

    package func verdict(at time: Duration) -> Verdict {
        if hold != nil { return .held }
        guard running < max(1, slots) else { return .wait(until: nil) }
        switch breaker.passage(at: time) {
        case .free: return .begin(asProbe: false)
        case .probe: return running == 0 ? .begin(asProbe: true) : .wait(until: nil)
        case .closedUntil(let until): return .wait(until: until)
        }
    }

    package mutating func began(asProbe: Bool) {
        running += 1
        if asProbe { breaker.probeBegan() }
    }

    package mutating func ended(_ ending: Ending, at time: Duration, jitter: Double) {
        running -= 1
        switch ending {
        case .answered: breaker.answered()
        case .unreachable: breaker.failed(at: time, jitter: jitter)
        case .silent: breaker.probeEndedSilently(at: time)
        }
    }

    /// What the end of a delivery says about the far end.
    package enum Ending: Hashable, Sendable {
        case answered
        case unreachable
        case silent
    }
}

/// Why a partner waits for a person.
package struct PartnerHold: Hashable, Sendable, Codable {
    package let code: String
    package let reason: String

    package init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }
}
