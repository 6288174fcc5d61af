import Logging
import PouchFiles
import PouchJournal
import PouchKit
import Synchronization

/// Brings disk and journal together: after a start, and from time to time.
///
/// - What is claimed and not in the journal goes back to where it was dropped, and settles anew.
/// - What is finished in the journal and not put away is put away; once more when a power cut brought it back.
/// - A sealed file that no delivery needs is removed.
/// - What is neither is unaccounted for, and said so.
final class Recovery: Sendable {
    /// A claim that is younger may not have been handed to the journal yet.
    static let youngest: Duration = .seconds(30)
    private static let page = 256

    private let folders: @Sendable () -> [String]
    private let claimed: ClaimedFolders
    private let journal: Journal
    private let closer: FileCloser
    private let spool: SealedSpool
    private let clock: any AgentClock
    private let alerts: AlertBell
    private let isUnderWay: @Sendable (String) -> Bool
    private let logger: Logger
    private let account = Mutex(Account())

    /// - Parameter isUnderWay: whether a claim is on its way into the journal, by its id.
    init(
        folders: @escaping @Sendable () -> [String],
        claimed: ClaimedFolders,
        journal: Journal,
        closer: FileCloser,
        spool: SealedSpool,
        clock: any AgentClock,
        alerts: AlertBell,
        isUnderWay: @escaping @Sendable (String) -> Bool,
        logger: Logger
    ) {
        self.folders = folders
        self.claimed = claimed
        self.journal = journal
        self.closer = closer
        self.spool = spool
        self.clock = clock
        self.alerts = alerts
        self.isUnderWay = isUnderWay
        self.logger = logger
    }

    var lastAccount: Account { account.withLock { $0 } }

    /// Looks at everything once.
    ///
    /// - Parameter isStart: nothing is on its way yet, or any more, so that every stranger is one.
    /// - Returns: How many claims went back to where they were dropped.
    @discardableResult
    func reconcile(isStart: Bool) async -> Int {
        var found = Account()
        var putBack = 0
        for folder in folders() { putBack += await lookThroughClaims(of: folder, isStart: isStart, into: &found) }
        await closeFinished(into: &found)
        await sweepSpool(isStart: isStart)
        found.checkedAt = clock.now
        account.withLock { $0 = found }
        if found.total == 0 {
            alerts.clear(.unaccounted, subject: "state")
        } else {
            alerts.raise(
                .unaccounted,
                subject: "state",
                code: "unaccounted",
                text: "\(found.total) files are unaccounted for: "
                    + (found.strangers + found.missing).prefix(5).joined(separator: ", ")
            )
        }
        return putBack
    }

    private func lookThroughClaims(of folder: String, isStart: Bool, into found: inout Account) async -> Int {
        var count = 0
        let roots = claimed.roots(of: folder)
        do {
            let survey = try await onBlockingThread { () throws(FileProblem) in try roots.orphans() }
            while true {
                let claims = try await onBlockingThread { () throws(FileProblem) in try survey.next(upTo: Self.page) }
                if claims.isEmpty { return count }
                for claim in claims where isOldEnough(claim, isStart: isStart) {
                    guard let file = try await journal.fileOfClaim(claim.place.id) else {
                        count += await putBack(claim, roots: roots, into: &found) ? 1 : 0
                        continue
                    }
                    if file.finished != nil, !(await closer.putAwayAgain(file)) {
                        found.missing.append("\(claim.place.root)/\(claim.place.id)/\(claim.path) (finished, not put away)")
                    }
                }
            }
        } catch {
            logger.error("the claims could not be looked through", metadata: ["folder": "\(folder)", "cause": "\(error)"])
            return count
        }
    }

    private func isOldEnough(_ claim: FoundClaim, isStart: Bool) -> Bool {
        let age = Timestamp(nanoseconds: claim.status.changed).duration(to: clock.now)
        return (isStart || age > Self.youngest) && !isUnderWay(claim.place.id)
    }

    private func putBack(_ claim: FoundClaim, roots: ClaimRoots, into found: inout Account) async -> Bool {
        do {
            try await onBlockingThread { () throws(ClaimFailure) in try roots.unclaim(claim.path, at: claim.place) }
            logger.info(
                "put back a claim that was not admitted", metadata: ["file": "\(claim.path)", "claim": "\(claim.place.id)"])
            return true
        } catch {
            found.strangers.append("\(claim.place.root)/\(claim.place.id)/\(claim.path)")
            logger.error("a claimed file is not in the journal", metadata: ["file": "\(claim.path)", "cause": "\(error)"])
            return false
        }
    }

    /// Files whose deliveries ended and that are still open: the crash came between the journal's commit and the archive.
    private func closeFinished(into found: inout Account) async {
        var last: Int64 = 0
        do {
            while true {
                let (page, end) = try await journal.endedFiles(after: last, limit: Self.page)
                guard let end else { return }
                // Read again one by one: a page is old by its end, and somebody may have tried a file again.
                for progress in page where !(await closer.close(file: progress.file.id)) {
                    found.missing.append("\(progress.file.folder)/\(progress.file.path) (delivered, not put away)")
                }
                last = end
            }
        } catch {
            logger.error("the journal could not be read", metadata: ["cause": "\(error)"])
        }
    }

    /// Sealed files of deliveries that have ended, and after a start also those that a crash left in the middle of sealing.
    private func sweepSpool(isStart: Bool) async {
        do {
            for id in try await onBlockingThread({ [spool] () throws(FileProblem) in try spool.deliveries() }) {
                let delivery = try await journal.delivery(id)
                let isNeeded = delivery.map { !$0.state.isFinal && ($0.seal != nil || !isStart) } ?? false
                guard !isNeeded else { continue }
                try await onBlockingThread { [spool] () throws(FileProblem) in try spool.remove(id) }
                logger.info("removed a sealed file that no delivery needs", metadata: ["delivery": "\(id)"])
            }
        } catch {
            logger.error(
                "the sealed files could not be looked through", metadata: ["folder": "\(spool.path)", "cause": "\(error)"])
        }
    }
}
