import PouchJournal
import PouchWatch

/// How a run ended, for the exit code and one sentence.
package struct RunEnding: Sendable {
    package let delivered: Int
    package let onTheWay: Int
    package let held: Int
    package let quarantined: Int
    package let unmatched: Int
    package let unsettled: Int
    package let unaccounted: Int
    /// The journal could not be read at the end.
    package let isBroken: Bool

    init(snapshot: JournalSnapshot?, folders: [Intake.FolderState], account: Account) {
        let total = snapshot?.total ?? DeliveryCounts()
        delivered = total.delivered
        onTheWay = total.onTheWay
        held = total.held
        quarantined = total.quarantined - total.retried
        unmatched = folders.reduce(0) { $0 + $1.unmatched.count }
        unsettled = folders.reduce(0) { $0 + ($1.figures?.unsettled ?? 0) }
        unaccounted = total.unaccounted + account.total
        isBroken = snapshot == nil
    }

    package var isComplete: Bool { !isBroken && onTheWay + held + quarantined + unmatched + unsettled + unaccounted == 0 }

    package var summary: String {
        guard !isBroken else { return "the journal could not be read at the end" }
        let rest = [
            (onTheWay, "waiting"), (held, "held"), (quarantined, "quarantined"), (unmatched, "unmatched"), (unsettled, "unsettled"),
            (unaccounted, "unaccounted"),
        ]
        .filter { $0.0 > 0 }
        .map { "\($0.0) \($0.1)" }
        return "\(delivered) delivered" + (rest.isEmpty ? ", nothing left to do" : ", " + rest.joined(separator: ", "))
    }
}
