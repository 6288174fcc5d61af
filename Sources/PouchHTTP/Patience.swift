/// Decides when a request has stood still for too long: facts in, verdict out, the time is an argument.
///
/// libcurl's own low-speed rule would also fire while the far end works on its answer, which on S3 takes minutes.
struct Patience {
    enum Phase: Hashable {
        /// No byte of the request has left. libcurl's connect timeout minds this phase.
        case connecting
        case sending
        /// All is sent, and no byte of the answer's body is here.
        case waiting
        case receiving
    }

    enum Verdict: Hashable {
        case noAnswer, stalled
    }

    private let timeouts: HTTPTimeouts
    private var phase = Phase.connecting
    private var moved: Int64 = 0
    private var movedAt: Duration = .zero

    init(_ timeouts: HTTPTimeouts) { self.timeouts = timeouts }

    /// It is we who make it wait: that is no standing still.
    mutating func rest(at now: Duration) { movedAt = now }

    /// - Parameters:
    ///   - moved: Anything that is different when a byte moved in either direction.
    ///   - now: Monotonic.
    mutating func verdict(at now: Duration, phase: Phase, moved: Int64) -> Verdict? {
        if phase != self.phase || moved != self.moved {
            self.phase = phase
            self.moved = moved
            movedAt = now
            return nil
        }
        switch phase {
        case .connecting: return nil
        case .waiting: return now - movedAt >= timeouts.answer ? .noAnswer : nil
        case .sending, .receiving: return now - movedAt >= timeouts.stall ? .stalled : nil
        }
    }
}
