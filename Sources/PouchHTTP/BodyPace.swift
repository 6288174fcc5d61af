import PouchKit

/// Keeps one body to the rate of a budget that others share.
struct BodyPace {
    private let budget: TransferBudget?
    /// The bytes that come next; while their time has not come, libcurl rests.
    private var turn: ByteSchedule.Reservation?

    init(_ budget: TransferBudget?) { self.budget = budget }

    /// When the transfer may go on; `nil` while it need not wait.
    var restsUntil: Duration? { turn?.start }

    /// How many of the wanted bytes may leave now; `nil`: none yet, see `restsUntil`.
    mutating func allowance(of wanted: Int64, at now: Duration) -> Int64? {
        guard let budget, wanted > 0, let reserved = turn ?? budget.reserve(upTo: wanted, at: now) else { return wanted }
        guard reserved.start <= now else {
            turn = reserved
            return nil
        }
        turn = nil
        return min(reserved.count, wanted)
    }
}
