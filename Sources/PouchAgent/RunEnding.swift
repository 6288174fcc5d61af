import PouchConfiguration
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
    /// Lines that the manifest lacks: what they prove is proven by the journal alone.
    package let unwritten: Int
    /// Folders that could not be looked through: what lies in them is not in the counts.
    package let unread: Int
    /// Why the run ended before its time, or cannot say how it ended.
    package let breakdown: String?

    /// - Parameters:
    ///   - policy: what `ignore` leaves where it is was to be left there.
    ///   - putBack: files that were to be claimed, and lie where they were dropped.
    ///   - breakdown: why the agent stopped by itself, or took nothing any more.
    init(
        snapshot: JournalSnapshot?,
        folders: [Intake.FolderState],
        policy: UnmatchedPolicy,
        account: Account,
        putBack: Int = 0,
        breakdown: String?
    ) {
        let total = snapshot?.total ?? DeliveryCounts()
        delivered = total.delivered
        onTheWay = total.onTheWay
        held = total.held
        quarantined = total.quarantined - total.retried
        unmatched = policy == .ignore ? 0 : folders.reduce(0) { $0 + $1.unmatched.count + $1.unmatchedQuarantined }
        unsettled = folders.reduce(0) { $0 + ($1.figures?.unsettled ?? 0) } + putBack
        unaccounted = total.unaccounted + account.total
        unwritten = snapshot?.unwrittenLines ?? 0
        unread = folders.count { $0.figures?.isComplete == false || !$0.isThere }
        self.breakdown = breakdown ?? (snapshot == nil ? "the journal could not be read at the end" : nil)
    }

    package var isComplete: Bool {
        breakdown == nil && onTheWay + held + quarantined + unmatched + unsettled + unaccounted + unwritten + unread == 0
    }

    package var summary: String {
        if let breakdown { return breakdown }
        let rest = [
            (onTheWay, "waiting"), (held, "held"), (quarantined, "quarantined"), (unmatched, "unmatched"), (unsettled, "unsettled"),
            (unaccounted, "unaccounted"), (unwritten, "lines not in the manifest"), (unread, "folders not read whole"),
        ]
        .filter { $0.0 > 0 }
        .map { "\($0.0) \($0.1)" }
        return "\(delivered) delivered" + (rest.isEmpty ? ", nothing left to do" : ", " + rest.joined(separator: ", "))
    }
}
