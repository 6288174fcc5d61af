import Glibc
import PouchFiles
import PouchKit

/// Keeps a copy within the partner's budget, on a thread that may sleep.
struct Pace {
    private let budget: TransferBudget
    private let deadline: ContinuousClock.Instant
    private let stop: StopSign
    /// The bytes up to here were paid for by this time; what comes is measured against the limit of its own time.
    private var paid: Int64 = 0
    private var paidUntil = ContinuousClock.now

    init(budget: TransferBudget, deadline: ContinuousClock.Instant, stop: StopSign) {
        self.budget = budget
        self.deadline = deadline
        self.stop = stop
    }

    /// Sleeps as long as the limit asks for. Each of the partner's deliveries gets its share of the rate.
    ///
    /// - Returns: false when the delivery is to stop: cancelled, or out of time.
    mutating func mayGoOn(after sent: Int64) -> Bool {
        let limits = budget.limits
        if let share = limits.share {
            let due = Double(sent - paid) / Double(share)
            paidUntil = max(paidUntil.advanced(by: .seconds(due)), ContinuousClock.now.advanced(by: .seconds(-1)))
            while !isOver, case let rest = ContinuousClock.now.duration(to: paidUntil), rest > .zero {
                usleep(rest < .milliseconds(50) ? UInt32(rest.components.attoseconds / 1_000_000_000_000) : 50_000)
            }
        }
        paid = sent
        return !isOver
    }

    private var isOver: Bool { stop.isRaised || ContinuousClock.now >= deadline }
}
