import Logging
import PouchFiles
import PouchKit

/// The loop of one drop folder: events, files that wait, sweeps, each a little at a time, so that none starves the others.
///
/// It belongs to one task, and all it knows is forgotten when that ends. Its file operations block: it runs on the folder's own
/// executor.
final class FolderWatch {
    /// How much is done of one thing before the others get their turn.
    private static let turn = 256

    struct Root {
        let handle: DirectoryHandle
        let identity: WatchTree.Identity
        /// False on a network file system.
        let canBeWatched: Bool
    }

    let index: Int
    let folder: WatchedFolder
    let clock: any AgentClock
    let receiver: any DropReceiver
    let logger: Logger
    let mailbox: FolderMailbox
    /// `nil` when there are no events to be had.
    let library: InotifyLibrary?
    let budget: WatchBudget
    /// Where this loop runs.
    let executor: FolderExecutor
    private let heartbeats: Heartbeats

    var root: Root?
    var isVanishTold = false
    var nextPulse: Duration = .zero
    var tree = WatchTree()
    var candidates: Candidates
    /// Told as ignored or unreadable before.
    var told: RememberedFiles
    /// Known to the receiver as they are.
    var known: RememberedFiles
    var isLeaseTold = false
    /// Why the last sweep was not complete.
    var toldFailure: String?
    var writers: (taken: Duration, found: OpenWriters)?
    /// What was suggested when the limit on watches was reached; `nil` while all is watched.
    var enoughWatches: Int?

    var events: ArraySlice<FolderEvent> = []
    var isOverflowed = false
    /// New folders, to be looked through.
    var subtrees: ArraySlice<DropPath> = []
    var partialSweep: Sweep?
    var fullSweep: Sweep?
    var wantedSweep: SweepFigures.Cause?
    var sweepRequests: [CheckedContinuation<SweepFigures?, Never>] = []
    var nextSweep: Duration = .zero
    /// Files were found for which there was no room among the candidates.
    var isBacklogged = false
    private var armed: Duration?

    init(
        _ folder: WatchedFolder, index: Int, clock: any AgentClock, receiver: any DropReceiver, logger: Logger,
        mailbox: FolderMailbox, library: InotifyLibrary?, budget: WatchBudget, capacities: WatchCapacities,
        executor: FolderExecutor, heartbeats: Heartbeats
    ) {
        self.executor = executor
        self.heartbeats = heartbeats
        self.index = index
        self.folder = folder
        self.clock = clock
        self.receiver = receiver
        self.logger = logger
        self.mailbox = mailbox
        self.library = library
        self.budget = budget
        candidates = Candidates(capacity: capacities.candidates)
        told = RememberedFiles(capacity: capacities.remembered)
        known = RememberedFiles(capacity: capacities.remembered)
    }

    /// Returns when the mailbox is closed.
    func run() async {
        let heartbeat = heartbeats.join(
            "folder \(folder.path)", wake: { [mailbox] in mailbox.ring() }, isExcused: { [executor] in executor.isKeptByTheFolder })
        await withDiscardingTaskGroup { alarms in
            await checkRoot(.start)
            while takeMail() {
                await heartbeat.comesAround()
                await followEvents(atMost: Self.turn)
                await lookAgain(atMost: Self.turn)
                if now >= nextPulse { await checkRoot(.returned) }
                await sweep(atMost: Self.turn)
                if isBusy { continue }
                arm(nextDue, &alarms)
                await mailbox.wait()
                forgetAlarm()
            }
            alarms.cancelAll()
        }
        heartbeat.leave()
        leave()
        for request in sweepRequests { request.resume(returning: nil) }
        sweepRequests = []
    }

    var now: Duration { clock.monotonic }

    func tell(_ notice: WatchNotice) async {
        logger.debug("notice", metadata: ["folder": "\(folder.path)", "notice": "\(notice)"])
        await receiver.noticed(notice, in: index)
    }

    /// - Returns: false when it is time to end.
    private func takeMail() -> Bool {
        let mail = mailbox.take()
        sweepRequests += mail.sweepRequests
        if mail.isClosed { return false }
        if mail.hasLostWatches {
            tree = WatchTree()
            wantedSweep = .doubt
        }
        if mail.hasLost { isOverflowed = true }
        if !mail.events.isEmpty { events += mail.events }
        if !sweepRequests.isEmpty, wantedSweep == nil { wantedSweep = .request }
        return true
    }

    private var isBusy: Bool {
        !events.isEmpty || !subtrees.isEmpty || partialSweep != nil || fullSweep != nil || wantedSweep != nil || isOverflowed
            || nextDue <= now
    }

    private var nextDue: Duration {
        let due = min(nextPulse, candidates.nextDue ?? nextPulse)
        return root == nil ? due : min(due, nextSweep)
    }

    /// One that rang a little early is set again.
    private func forgetAlarm() {
        if let armed, armed <= now + .milliseconds(2) { self.armed = nil }
    }

    /// Sleepers are not taken back: one that is no longer needed rings for nothing, and a new one comes only for an earlier time.
    private func arm(_ due: Duration, _ alarms: inout DiscardingTaskGroup) {
        let now = now
        if let armed, armed <= due, armed > now { return }
        armed = due
        alarms.addTask { [clock, mailbox] in
            // Cancelled, it rings as well, and the loop looks whether it is time to end.
            try? await clock.sleep(for: max(due - now, .milliseconds(1)))
            mailbox.ring()
        }
    }
}

/// How much is kept in memory. What does not fit is found by the next sweep.
package struct WatchCapacities: Hashable, Sendable {
    /// Events of one folder that wait for its loop; some 100 bytes each.
    package var events: Int
    /// Files of one folder that are not settled yet; some 300 bytes each.
    package var candidates: Int
    /// Files of one folder that were told as ignored, and as many that the receiver knows; some 30 bytes each.
    package var remembered: Int
    /// Folders watched at once, in all drop folders, so that other programs keep some of the system's; the others are swept.
    package var watches: Int

    package init(events: Int = 65_536, candidates: Int = 65_536, remembered: Int = 262_144, watches: Int = .max) {
        self.events = events
        self.candidates = candidates
        self.remembered = remembered
        self.watches = watches
    }
}
