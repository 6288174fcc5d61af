import Logging
import PouchConfiguration
import PouchFiles
import PouchJournal
import PouchKit
import PouchRouting
import PouchWatch
import Synchronization

/// Takes what the watcher found: route, claim, admit, hand to the lanes.
///
/// Admission is not waited for here: the lanes may begin to store before it is on disk (nothing that a partner can see is sent before).
/// A bounded number of admissions is under way; when the journal cannot take them, intake pauses and the drops stay where they are.
final class Intake: DropReceiver {
    private struct State {
        var folders: [FolderState]
        var underWay: [UnderWay] = []
        /// Claimed, and refused by the journal: admitted again before anything else is taken.
        var refused: [Admission] = []
        /// The claims of both, so that nobody takes them for lost.
        var claims: Set<String> = []
        /// When a claim failed last, on the monotonic clock: the file may lie in its claim place, unknown to the journal.
        var doubted: Duration?
        /// Why nothing is taken for now.
        var pause: String?
        var isStopping = false
    }

    private struct UnderWay {
        let admission: Admission
        let ticket: Ticket<AdmissionOutcome>
    }

    /// What an intake leaves to the one that takes its place.
    struct Legacy: Sendable {
        fileprivate let folders: [String: FolderState]
        fileprivate let refused: [Admission]
        fileprivate let claims: Set<String>
        fileprivate let doubted: Duration?
        fileprivate let pause: String?
    }

    struct FolderState {
        var isThere = true
        var figures: SweepFigures?
        /// Files that no route takes and that lie where they were dropped.
        var unmatched: Set<DropPath> = []
        /// Those that went to the quarantine in this run.
        var unmatchedQuarantined = 0
        var notices: [String] = []
        /// Somebody was told that a file could not be claimed.
        var isClaimTroubleTold = false
    }

    /// Admissions that may be under way before the next one waits for the oldest.
    private static let window = 512
    /// Names kept a folder; with more of them the count says at least how many there are.
    private static let namesKept = 10_000

    private let folders: [FolderPlan]
    private let unmatched: UnmatchedPolicy
    private let desk: AdmissionDesk
    private let claimed: ClaimedFolders
    private let journal: Journal
    private let lanes: LaneBoard
    private let clock: any AgentClock
    private let alerts: AlertBell
    private let closer: FileCloser
    private let outbox: ManifestOutbox
    private let returned: ReturnedDrops
    private let logger: Logger
    private let state: Mutex<State>

    init(
        folders: [FolderPlan],
        unmatched: UnmatchedPolicy,
        desk: AdmissionDesk,
        claimed: ClaimedFolders,
        journal: Journal,
        lanes: LaneBoard,
        closer: FileCloser,
        outbox: ManifestOutbox,
        returned: ReturnedDrops,
        clock: any AgentClock,
        alerts: AlertBell,
        logger: Logger,
        after legacy: Legacy? = nil
    ) {
        self.folders = folders
        self.unmatched = unmatched
        self.desk = desk
        self.claimed = claimed
        self.journal = journal
        self.lanes = lanes
        self.closer = closer
        self.outbox = outbox
        self.returned = returned
        self.clock = clock
        self.alerts = alerts
        self.logger = logger
        state = Mutex(
            State(
                folders: folders.map { legacy?.folders[$0.watched.path] ?? FolderState() },
                refused: legacy?.refused ?? [],
                claims: legacy?.claims ?? [],
                doubted: legacy?.doubted,
                pause: legacy?.pause
            )
        )
    }

    /// Asked of an intake that was stopped, and whose accounts are settled. What no route took is seen anew, and perhaps taken now: whoever
    /// was told of it is told again if it is not.
    var legacy: Legacy {
        state.withLock { state in
            var left: [String: FolderState] = [:]
            for (folder, known) in zip(folders, state.folders) {
                if !known.unmatched.isEmpty { alerts.clear(.unmatched, subject: folder.watched.path) }
                var known = known
                known.figures = nil
                known.unmatched = []
                left[folder.watched.path] = known
            }
            return Legacy(folders: left, refused: state.refused, claims: state.claims, doubted: state.doubted, pause: state.pause)
        }
    }

    // MARK: What the watcher says

    func settled(_ drop: SettledDrop, in folder: Int) async -> ReceiverVerdict {
        let (isStopping, isPaused) = state.withLock { ($0.isStopping, $0.pause != nil) }
        if isStopping { return .refused(retryAfter: .seconds(60)) }
        if isPaused { return .refused(retryAfter: .seconds(2)) }
        CrashPoint.reach(.settled)
        let plan = folders[folder]
        if plan.afterwards == .keep {
            guard let isKnown = await isKnown(drop, in: plan) else { return .refused(retryAfter: .seconds(2)) }
            if isKnown { return .known }
        } else if let file = returnedFile(drop, in: plan) {
            return await takeAgain(file)
        }
        let now = clock.now
        let facts = DropFacts(folder: plan.watched.path, path: drop.path, size: drop.identity.size, admitted: now)
        let deliveries = desk.deliveries(of: facts, identity: drop.identity, at: now)
        if deliveries.isEmpty, unmatched != .quarantine { return note(unmatched: drop.path, in: folder) }
        CrashPoint.reach(.routed)
        return await take(drop, in: folder, deliveries: deliveries, at: now)
    }

    func ignored(_ path: DropPath, reason: String, in folder: Int) async {
        logger.info("ignored", metadata: ["file": "\(path)", "folder": "\(folders[folder].watched.path)", "reason": "\(reason)"])
    }

    func noticed(_ notice: WatchNotice, in folder: Int) async {
        let text = notice.description
        state.withLock { state in
            switch notice {
            case .vanished: state.folders[folder].isThere = false
            case .returned: state.folders[folder].isThere = true
            default: break
            }
            state.folders[folder].notices.append(text)
            if state.folders[folder].notices.count > 20 { state.folders[folder].notices.removeFirst() }
        }
        logger.warning("\(text)", metadata: ["folder": "\(folders[folder].watched.path)"])
    }

    func swept(_ figures: SweepFigures, in folder: Int) async {
        let path = folders[folder].watched.path
        // The watcher does not offer again what it was told is known, so that each name is looked at.
        let gone = Self.gone(state.withLock { $0.folders[folder].unmatched }, from: path)
        let isClear = state.withLock { state in
            state.folders[folder].figures = figures
            state.folders[folder].unmatched.subtract(gone)
            state.folders[folder].isThere = figures.isComplete || state.folders[folder].isThere
            return state.folders[folder].unmatched.isEmpty
        }
        if isClear, !gone.isEmpty { alerts.clear(.unmatched, subject: path) }
        await settleAccounts()
    }

    /// What cannot be looked at counts as there.
    private static func gone(_ paths: Set<DropPath>, from folder: String) -> Set<DropPath> {
        guard !paths.isEmpty, let handle = try? DirectoryHandle.open(folder) else { return [] }
        return paths.filter { path in
            do throws(FileProblem) {
                return try !handle.status(of: path.bytes).isRegular
            } catch {
                return error.isMissing
            }
        }
    }

    // MARK: Taking

    private func returnedFile(_ drop: SettledDrop, in plan: FolderPlan) -> JournalFile? {
        let path = plan.watched.path
        return returned.match(folder: path, path: drop.path, identity: drop.identity) {
            // One that cannot be looked at cannot be claimed either, and is settled anew.
            let status = try? DirectoryHandle.open(path).status(of: drop.path.bytes)
            return status.map { Timestamp(nanoseconds: $0.changed) }
        }
    }

    /// A file of the journal that a power cut put back: it goes to its claim place again, and from there where it went before.
    private func takeAgain(_ file: JournalFile) async -> ReceiverVerdict {
        logger.warning(
            "a power cut had put a file back that was taken before; it is not taken twice",
            metadata: ["file": "\(file.path)", "folder": "\(file.folder)", "claim": "\(file.claim.id)"])
        switch claimed.locate(file) {
        case .found, .changed: break
        case .missing, .unavailable: return .refused(retryAfter: .seconds(2))
        }
        guard file.finished == nil else { return await closer.putAwayAgain(file) ? .taken : .refused(retryAfter: .seconds(2)) }
        return .taken
    }

    /// - Returns: `nil` when the journal cannot say: the drop is offered again.
    private func isKnown(_ drop: SettledDrop, in plan: FolderPlan) async -> Bool? {
        do {
            let kept = try await journal.kept(folder: plan.watched.path, path: drop.path)
            return kept?.isUnchangedSinceRemount(drop.identity) ?? false
        } catch {
            logger.error("the journal could not be asked", metadata: ["cause": "\(error)"])
            pause("the journal could not be read: \(error)")
            return nil
        }
    }

    private func take(_ drop: SettledDrop, in folder: Int, deliveries: [AdmittedDelivery], at time: Timestamp) async
        -> ReceiverVerdict
    {
        let plan = folders[folder]
        let record: ClaimRecord
        let identity: FileIdentity
        do {
            (record, identity) = try claimed.take(drop, plan: plan)
        } catch {
            return refuse(drop, error, in: folder)
        }
        CrashPoint.reach(.claimed)
        let marker = claimed.marker(of: drop, plan: plan)
        let isTroubleOver = state.withLock { state in
            state.folders[folder].unmatched.remove(drop.path)
            if deliveries.isEmpty { state.folders[folder].unmatchedQuarantined += 1 }
            defer { state.folders[folder].isClaimTroubleTold = false }
            return state.folders[folder].isClaimTroubleTold
        }
        // When it comes back it is told again.
        if isTroubleOver { alerts.clear(.unaccounted, subject: plan.watched.path) }
        let admission = Admission(
            folder: plan.watched.path,
            path: drop.path,
            identity: identity,
            claim: record,
            afterwards: AfterwardsText.text(of: plan.afterwards),
            at: time,
            deliveries: deliveries
        )
        tell(admission)
        let ticket = await admit(admission)
        if let marker {
            do {
                _ = try await ticket.value()
                claimed.remove(marker, of: plan)
            } catch {
                // A file that is put back without its marker would wait for ever: the marker stays until the journal has the file.
                logger.debug("the marker stays for now", metadata: ["file": "\(marker.path)", "cause": "\(error)"])
            }
        }
        return plan.afterwards == .keep ? .known : .taken
    }

    /// Hands the admission to the journal and the deliveries to their lanes.
    @discardableResult
    func admit(_ admission: Admission) async -> Ticket<AdmissionOutcome> {
        let ticket = journal.admit(admission)
        state.withLock { state in
            state.underWay.append(UnderWay(admission: admission, ticket: ticket))
            state.claims.insert(admission.claim.id)
        }
        for partner in Set(admission.deliveries.map(\.partner)) { lanes.noteBacklog(of: partner) }
        // Nothing will be sent: the file goes to the quarantine as soon as the journal knows, and that is not left to pile up.
        let limit = admission.isEnded ? 0 : Self.window
        while let oldest = nextUnderWay(beyond: limit) { await confirm(oldest) }
        return ticket
    }

    /// Waits until all admissions that are under way are on disk, or refused.
    func settleAccounts() async {
        while let next = nextUnderWay(beyond: 0) { await confirm(next) }
    }

    private func nextUnderWay(beyond count: Int) -> UnderWay? {
        state.withLock { $0.underWay.count > count ? $0.underWay.removeFirst() : nil }
    }

    private func confirm(_ underWay: UnderWay) async {
        do {
            await admitted(underWay.admission, try await underWay.ticket.value())
            CrashPoint.reach(.admitted)
        } catch {
            state.withLock { $0.refused.append(underWay.admission) }
            pause("the journal takes nothing: \(error)")
        }
    }

    private func admitted(_ admission: Admission, _ outcome: AdmissionOutcome) async {
        _ = state.withLock { $0.claims.remove(admission.claim.id) }
        if admission.deliveries.contains(where: \.isQuarantined) { outbox.ring() }
        guard admission.isEnded else { return }
        switch outcome {
        case .admitted(let file), .known(let file): await closer.close(file: file)
        }
    }

    /// Whether that claim is on its way into the journal.
    func isUnderWay(_ claim: String) -> Bool { state.withLock { $0.claims.contains(claim) } }

    /// A claim failed since somebody looked through all of them.
    var doubtsClaims: Bool { state.withLock { $0.doubted != nil } }

    /// All claims that failed before then were looked at.
    func accounted(until time: Duration) {
        state.withLock { state in
            if let doubted = state.doubted, doubted <= time { state.doubted = nil }
        }
    }

    var hasClaimsUnderWay: Bool { state.withLock { !$0.claims.isEmpty } }

    // MARK: Not taking

    private func note(unmatched path: DropPath, in folder: Int) -> ReceiverVerdict {
        let plan = folders[folder]
        state.withLock { state in
            guard state.folders[folder].unmatched.count < Self.namesKept else { return }
            state.folders[folder].unmatched.insert(path)
        }
        if unmatched == .hold {
            alerts.raise(
                .unmatched,
                subject: plan.watched.path,
                code: "unmatched",
                text: "no route takes \(path) in \(plan.watched.path); it stays there (`pouch explain` says why)"
            )
        }
        return .known
    }

    /// Somebody must know of what will not be delivered, or not without a person.
    private func tell(_ admission: Admission) {
        if admission.deliveries.isEmpty {
            alerts.raise(
                .quarantined,
                subject: admission.folder,
                code: "unmatched",
                text: "no route takes \(admission.path) in \(admission.folder); it is quarantined (`unmatched: quarantine`)"
            )
        }
        for delivery in admission.deliveries {
            let what = "\(admission.path) for \(delivery.partner)"
            switch delivery.start {
            case .waiting: break
            case .held(let code, let reason):
                alerts.raise(.held, subject: delivery.partner.description, code: code, text: "\(what) is held: \(reason)")
            case .quarantined(let failure, _):
                alerts.raise(
                    .quarantined,
                    subject: delivery.partner.description,
                    code: failure.code,
                    text: "\(what) is quarantined: \(failure)"
                )
            }
        }
    }

    private func refuse(_ drop: SettledDrop, _ failure: ClaimFailure, in folder: Int) -> ReceiverVerdict {
        let plan = folders[folder]
        switch failure {
        case .vanished: return .taken
        case .notRegular, .changed:
            logger.debug("changed before it was claimed", metadata: ["file": "\(drop.path)", "cause": "\(failure)"])
            return .refused(retryAfter: .milliseconds(200))
        case .stranded, .problem:
            logger.error(
                "could not claim", metadata: ["file": "\(drop.path)", "folder": "\(plan.watched.path)", "cause": "\(failure)"])
            state.withLock { state in
                state.folders[folder].isClaimTroubleTold = true
                state.doubted = clock.monotonic
            }
            alerts.raise(.unaccounted, subject: plan.watched.path, code: "claim", text: "could not claim \(drop.path): \(failure)")
            return .refused(retryAfter: .seconds(5))
        }
    }

    // MARK: Pausing

    func pause(_ reason: String) {
        let isNew = state.withLock { state in
            defer { state.pause = reason }
            return state.pause == nil
        }
        guard isNew else { return }
        alerts.raise(.diskShort, subject: "journal", code: "journal", text: "nothing is taken for now: \(reason)")
    }

    /// Admits what the journal refused, and takes drops again when that succeeds.
    ///
    /// - Returns: false when it still refuses. (A commit without a change succeeds on a full disk: only an admission is a proof.)
    func resume() async -> Bool {
        await settleAccounts()
        do {
            while let admission = state.withLock({ $0.refused.first }) {
                let outcome = try await journal.admit(admission).value()
                _ = state.withLock { $0.refused.removeFirst() }
                await admitted(admission, outcome)
            }
            try await journal.flush().value()
        } catch {
            logger.debug("the journal still takes nothing", metadata: ["cause": "\(error)"])
            return false
        }
        state.withLock { state in
            state.pause = nil
            // What was refused meanwhile is seen by the next sweeps only.
            for folder in state.folders.indices { state.folders[folder].figures = nil }
        }
        alerts.clear(.diskShort, subject: "journal")
        return true
    }

    func stop() { state.withLock { $0.isStopping = true } }

    /// The last sweep of the folder saw nothing that waits to become whole; or the folder is not there.
    func isQuiet(_ folder: Int) -> Bool {
        state.withLock { state in
            let folder = state.folders[folder]
            return folder.figures.map { $0.unsettled == 0 } ?? !folder.isThere
        }
    }

    var pauseReason: String? { state.withLock { $0.pause } }

    var folderStates: [FolderState] { state.withLock { $0.folders } }
}

extension Admission {
    /// Nothing of it will ever be sent.
    fileprivate var isEnded: Bool { deliveries.allSatisfy(\.isQuarantined) }
}

extension AdmittedDelivery {
    fileprivate var isQuarantined: Bool {
        if case .quarantined = start { return true }
        return false
    }
}
