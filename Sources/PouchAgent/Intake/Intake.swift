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
        var underWay: [Ticket<AdmissionOutcome>] = []
        /// Why nothing is taken for now.
        var pause: String?
        var isStopping = false
    }

    struct FolderState {
        var isThere = true
        var figures: SweepFigures?
        var unmatched: Set<DropPath> = []
        var unmatchedNow: Set<DropPath> = []
        var notices: [String] = []
    }

    /// Admissions that may be under way before the next one waits for the oldest.
    private static let window = 512
    /// Names kept for people; the count goes on.
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
        clock: any AgentClock,
        alerts: AlertBell,
        logger: Logger
    ) {
        self.folders = folders
        self.unmatched = unmatched
        self.desk = desk
        self.claimed = claimed
        self.journal = journal
        self.lanes = lanes
        self.closer = closer
        self.clock = clock
        self.alerts = alerts
        self.logger = logger
        state = Mutex(State(folders: folders.map { _ in FolderState() }))
    }

    // MARK: What the watcher says

    func settled(_ drop: SettledDrop, in folder: Int) async -> ReceiverVerdict {
        let (isStopping, isPaused) = state.withLock { ($0.isStopping, $0.pause != nil) }
        if isStopping { return .refused(retryAfter: .seconds(60)) }
        if isPaused { return .refused(retryAfter: .seconds(2)) }
        CrashPoint.reach(.settled)
        let plan = folders[folder]
        if plan.afterwards == .keep, await isKnown(drop, in: plan) { return .known }
        let now = clock.now
        let facts = DropFacts(folder: plan.watched.path, path: drop.path, size: drop.identity.size, admitted: now)
        let deliveries = desk.deliveries(of: facts, identity: drop.identity, at: now)
        if deliveries.isEmpty, unmatched != .quarantine { return note(unmatched: drop.path, in: folder) }
        CrashPoint.reach(.routed)
        return await take(drop, plan: plan, deliveries: deliveries, at: now)
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
        state.withLock { state in
            state.folders[folder].figures = figures
            state.folders[folder].unmatched = state.folders[folder].unmatchedNow
            state.folders[folder].unmatchedNow = []
            state.folders[folder].isThere = figures.isComplete || state.folders[folder].isThere
        }
        await settleAccounts()
    }

    // MARK: Taking

    private func isKnown(_ drop: SettledDrop, in plan: FolderPlan) async -> Bool {
        do {
            return try await journal.kept(folder: plan.watched.path, path: drop.path) == drop.identity
        } catch {
            logger.error("the journal could not be asked", metadata: ["cause": "\(error)"])
            pause("the journal could not be read: \(error)")
            // Not known to be new: it is offered again.
            return true
        }
    }

    private func take(_ drop: SettledDrop, plan: FolderPlan, deliveries: [AdmittedDelivery], at time: Timestamp) async
        -> ReceiverVerdict
    {
        let record: ClaimRecord
        let identity: FileIdentity
        do {
            (record, identity) = try claimed.take(drop, plan: plan)
        } catch {
            return refuse(drop, error, plan: plan)
        }
        CrashPoint.reach(.claimed)
        claimed.removeMarker(of: drop, plan: plan)
        let admission = Admission(
            folder: plan.watched.path,
            path: drop.path,
            identity: identity,
            claim: record,
            afterwards: AfterwardsText.text(of: plan.afterwards),
            at: time,
            deliveries: deliveries
        )
        await admit(admission)
        return plan.afterwards == .keep ? .known : .taken
    }

    /// Hands the admission to the journal and the deliveries to their lanes.
    func admit(_ admission: Admission) async {
        let ticket = journal.admit(admission)
        let needsClosing = admission.deliveries.allSatisfy { delivery in
            if case .quarantined = delivery.start { return true }
            return false
        }
        if needsClosing {
            // Nothing will be sent: the file goes to the quarantine as soon as the journal knows.
            switch try? await ticket.value() {
            case .admitted(let file), .known(let file): await closer.close(file: file)
            // The window says so and pauses.
            case nil: break
            }
        }
        for partner in Set(admission.deliveries.map(\.partner)) { lanes.noteBacklog(of: partner) }
        let oldest = state.withLock { state -> Ticket<AdmissionOutcome>? in
            state.underWay.append(ticket)
            return state.underWay.count > Self.window ? state.underWay.removeFirst() : nil
        }
        if let oldest { await confirm(oldest) }
    }

    /// Waits until all admissions that are under way are on disk.
    func settleAccounts() async {
        while let ticket = state.withLock({ $0.underWay.isEmpty ? nil : $0.underWay.removeFirst() }) { await confirm(ticket) }
    }

    private func confirm(_ ticket: Ticket<AdmissionOutcome>) async {
        do {
            _ = try await ticket.value()
            CrashPoint.reach(.admitted)
        } catch {
            pause("the journal takes nothing: \(error)")
        }
    }

    // MARK: Not taking

    private func note(unmatched path: DropPath, in folder: Int) -> ReceiverVerdict {
        let plan = folders[folder]
        state.withLock { state in
            guard state.folders[folder].unmatched.count < Self.namesKept else { return }
            state.folders[folder].unmatched.insert(path)
            state.folders[folder].unmatchedNow.insert(path)
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

    private func refuse(_ drop: SettledDrop, _ failure: ClaimFailure, plan: FolderPlan) -> ReceiverVerdict {
        switch failure {
        case .vanished: return .taken
        case .notRegular, .changed:
            logger.debug("changed before it was claimed", metadata: ["file": "\(drop.path)", "cause": "\(failure)"])
            return .refused(retryAfter: .milliseconds(200))
        case .stranded, .problem:
            logger.error(
                "could not claim", metadata: ["file": "\(drop.path)", "folder": "\(plan.watched.path)", "cause": "\(failure)"])
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

    /// The journal works again.
    func resume() {
        state.withLock { $0.pause = nil }
        alerts.clear(.diskShort, subject: "journal")
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
