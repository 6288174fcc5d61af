import Logging
import PouchFiles
import PouchJournal
import PouchKit
import Synchronization

/// What the agent looks after from time to time.
extension Agent {
    /// Everything claimed is looked up in the journal for it: often enough to notice, seldom enough not to matter with a long queue.
    private static let accountsEvery: Duration = .seconds(300)

    /// Deliveries of a partner that the configuration does not name any more wait for a person: it may have been a mistake. They go
    /// on when it is named again.
    func holdPartnersThatAreGone() async {
        let code = "partner-gone"
        do {
            // A hold of another kind stays: it is somebody else's to end.
            let held = try await journal.heldPartners()
            let named = Set(held.map(\.partner))
            for partner in try await journal.partnersWithWork() where lanes[partner] == nil && !named.contains(partner) {
                let reason = "the configuration does not name \(partner) any more, and there are deliveries for it"
                _ = try await journal.hold(partner, code: code, reason: reason, at: clock.now).value()
                alerts.raise(.held, subject: partner.description, code: code, text: "\(partner) is held: \(reason)")
            }
            for partner in held where partner.code == code {
                guard let lane = lanes[partner.partner] else { continue }
                try await journal.endHold(partner.partner, code: code).value()
                alerts.clear(.held, subject: partner.partner.description)
                lane.change(hold: nil)
            }
        } catch {
            logger.error("the journal could not be asked for partners that are gone", metadata: ["cause": "\(error)"])
        }
    }

    /// Every so often: is the journal back, is everything accounted for, is the archive too old?
    func housekeeping() async {
        var lastAccount = clock.monotonic
        var lastTime = clock.now
        // What waits for a file system, and may be waited for as long as a server is away, is not asked.
        let isAtFiles = Mutex(true)
        let bell = Bell()
        let heartbeat = works.heartbeats.join(
            "housekeeping", wake: { bell.ring() }, isExcused: { isAtFiles.withLock { $0 } })
        defer { heartbeat.leave() }
        await watchCertificates()
        // What could not be put away, or back, is tried again soon, and less and less often while that fails.
        let closing = Backoff(first: .seconds(4), longest: Self.accountsEvery)
        var troubledRounds = 0
        while !Task.isCancelled {
            isAtFiles.withLock { $0 = false }
            await heartbeat.comesAround()
            await bell.wait(atMost: .seconds(2), on: clock)
            if Task.isCancelled { return }
            isAtFiles.withLock { $0 = true }
            await intake.settleAccounts()
            if intake.pauseReason != nil, await intake.resume() {
                await recovery.reconcile(isStart: false)
                lanes.noteBacklog()
            }
            let passed = clock.monotonic - lastAccount
            let isTroubled = closer.hasTrouble || intake.doubtsClaims
            let pause = isTroubled ? closing.delay(afterFailures: troubledRounds + 1, jitter: 1) : Self.accountsEvery
            guard passed >= pause else { continue }
            if lastTime.duration(to: clock.now) < passed - .seconds(60) { await forgetLateTimes() }
            lastAccount = clock.monotonic
            lastTime = clock.now
            await closer.tryingAgain { await recovery.reconcile(isStart: false) }
            intake.accounted(until: lastAccount - Recovery.youngest)
            troubledRounds = closer.hasTrouble || intake.doubtsClaims ? troubledRounds + 1 : 0
            await pruneArchives()
            await watchCertificates()
        }
    }

    /// Told ahead, while there is time to ask the partner for a new one.
    private func watchCertificates() async {
        for partner in plan.partners {
            guard let recipients = partner.seal?.recipients else { continue }
            let now = clock.now
            let notices = await onBlockingThread { recipients.status(at: now).notices }
            if notices.isEmpty { alerts.clear(.expiring, subject: partner.name.description) }
            for notice in notices {
                let text = "\(partner.name): \(notice.text)" + (notice.hint.map { "\nhint: \($0)" } ?? "")
                alerts.raise(.expiring, subject: partner.name.description, code: notice.code, text: text)
            }
        }
    }

    /// The clock was set back, now or while no agent ran: what waits for its next attempt would wait for that time to come again. (No
    /// pause of ours is longer than an hour.)
    func forgetLateTimes() async {
        do {
            let now = clock.now
            let count = try await journal.bringForward(waitsBeyond: now.advanced(by: .seconds(3_600)), to: now).value()
            guard count > 0 else { return }
            logger.warning(
                "the clock was set back; deliveries that wait for a later time are tried now", metadata: ["count": "\(count)"])
            lanes.noteBacklog()
        } catch {
            logger.error("the journal could not be written", metadata: ["cause": "\(error)"])
        }
    }

    private func pruneArchives() async {
        for folder in plan.folders {
            guard case .archive(let path, let keepFor?) = folder.afterwards else { continue }
            let now = clock.now
            do {
                let figures = try await onBlockingThread { () throws(FileProblem) in
                    try ArchivePruner.prune(path, keepFor: .seconds(keepFor), now: now)
                }
                if figures.removed > 0 {
                    logger.info("pruned the archive", metadata: ["archive": "\(path)", "files": "\(figures.removed)"])
                }
                if let problem = figures.problems.first {
                    logger.warning(
                        "the archive could not be pruned whole", metadata: ["archive": "\(path)", "cause": "\(problem)"])
                }
            } catch {
                logger.warning("the archive could not be pruned", metadata: ["archive": "\(path)", "cause": "\(error)"])
            }
        }
    }
}
