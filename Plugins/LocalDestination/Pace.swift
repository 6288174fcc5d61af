import Glibc
import PouchFiles
import PouchKit

/// Keeps a copy within the partner's budget, on a thread that may sleep.
struct Pace {
    private let budget: TransferBudget
    private let deadline: ContinuousClock.Instant
    private let stop: StopSign
    private let clock = SystemClock()
    /// Time was reserved for all bytes up to here.
    private var paid: Int64 = 0

    init(budget: TransferBudget, deadline: ContinuousClock.Instant, stop: StopSign) {
        self.budget = budget
        self.deadline = deadline
        self.stop = stop
    }

    /// Sleeps as long as the partner's limit asks for.
    ///
    /// - Returns: false when the delivery is to stop: cancelled, or out of time.
    mutating func mayGoOn(after sent: Int64) -> Bool {
        while paid < sent, !isOver, let turn = budget.reserve(upTo: sent - paid, at: clock.monotonic) {
            paid += turn.count
            while !isOver, case let rest = turn.start - clock.monotonic, rest > .zero {
                usleep(rest < .milliseconds(50) ? UInt32(rest.components.attoseconds / 1_000_000_000_000) : 50_000)
            }
        }
        paid = sent
        return !isOver
    }

    private var isOver: Bool { stop.isRaised || ContinuousClock.now >= deadline }
}
