import Logging
import PouchJournal
import PouchKit
import PouchWatch
import Synchronization

/// How a run ends.
extension Agent {
    func waitForTheEnd(of mode: Mode) async {
        switch mode {
        case .service, .quiet:
            while !isStopping.withLock({ $0 }), !Task.isCancelled { await stopBell.wait() }
        case .once(let patience): await waitUntilNothingIsLeft(patience: patience)
        }
    }

    private func waitUntilNothingIsLeft(patience: Duration) async {
        let began = clock.monotonic
        while !isStopping.withLock({ $0 }), !Task.isCancelled {
            if await isIdle() { return }
            if clock.monotonic - began > patience {
                logger.warning("gave up waiting", metadata: ["after": "\(patience)"])
                return
            }
            await stopBell.wait(atMost: .milliseconds(100), on: clock)
        }
    }

    /// Everything that was there was looked at, and nothing is on its way except for partners that wait for a person.
    private func isIdle() async -> Bool {
        for folder in plan.folders.indices where !intake.isQuiet(folder) {
            _ = await entrance.value.watcher.sweepNow(folder: folder)
            guard intake.isQuiet(folder) else { return false }
        }
        await intake.settleAccounts()
        guard intake.pauseReason == nil, !intake.hasClaimsUnderWay else { return false }
        do {
            try await journal.flush().value()
            let snapshot = try await journal.snapshot(now: clock.now)
            return snapshot.partners.allSatisfy { partner in
                guard partner.counts.onTheWay > 0, let lane = lanes[partner.partner] else { return true }
                // What runs when a partner is held may well succeed.
                return lane.hold != nil && !lane.isBusy
            }
        } catch {
            logger.error("the journal could not be read", metadata: ["cause": "\(error)"])
            return false
        }
    }

    /// Lanes end by themselves when what is running has ended; what takes longer than the limit is cancelled, and goes on after the
    /// next start.
    func drain(_ work: inout TaskGroup<Void>) async {
        let limit = plan.drainLimit
        let clock = clock
        await withTaskGroup(of: Bool.self) { race in
            race.addTask { [lanes] in
                while !Task.isCancelled, lanes.isBusy {
                    do { try await clock.sleep(for: .milliseconds(20)) } catch { return false }
                }
                return true
            }
            race.addTask {
                // Cancelled means that the lanes were faster.
                try? await clock.sleep(for: limit)
                return false
            }
            if await race.next() == false {
                logger.warning("stopping took longer than the limit; what was running goes on after the next start")
            }
            race.cancelAll()
        }
        work.cancelAll()
    }

    func finish(_ mode: Mode) async -> RunEnding {
        // What goes back to where it was dropped is delivered by the next run, not by this one. A service has no time for it, on disks that gave
        // trouble: its next start looks through everything.
        var putBack = 0
        if case .once = mode, intake.doubtsClaims || closer.hasTrouble { putBack = await recovery.reconcile(isStart: true) }
        do { try await outbox.drain() } catch {
            logger.error("the manifest is behind; its lines wait in the journal", metadata: ["cause": "\(error)"])
        }
        await alerts.tellWaiting()
        let snapshot = try? await journal.snapshot(now: clock.now)
        await journal.close()
        // Whoever waits for this end may begin at once: the agent may be let go of later.
        lock.withLock { $0 = nil }
        return RunEnding(
            snapshot: snapshot,
            folders: intake.folderStates,
            policy: plan.unmatched,
            account: recovery.lastAccount,
            putBack: putBack,
            breakdown: breakdown.withLock { $0 } ?? intake.pauseReason.map { "nothing was taken in any more: \($0)" }
        )
    }
}
