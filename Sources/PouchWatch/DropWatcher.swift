package import Logging
import PouchFiles
package import PouchKit

/// Watches drop folders and hands over each file once it is whole.
///
/// Events say quickly that something happened, sweeps say surely what is there. What is found and cannot be kept in bounded memory is
/// found again by a sweep.
package final class DropWatcher: Sendable {
    private let folders: [WatchedFolder]
    private let clock: any AgentClock
    private let receiver: any DropReceiver
    private let logger: Logger
    private let capacities: WatchCapacities
    private let heartbeats: Heartbeats
    private let mailboxes: [FolderMailbox]

    package init(
        folders: [WatchedFolder],
        clock: any AgentClock,
        receiver: any DropReceiver,
        logger: Logger,
        capacities: WatchCapacities = WatchCapacities(),
        heartbeats: Heartbeats = Heartbeats()
    ) {
        self.folders = folders
        self.clock = clock
        self.receiver = receiver
        self.logger = logger
        self.capacities = capacities
        self.heartbeats = heartbeats
        mailboxes = folders.map { _ in FolderMailbox(capacity: capacities.events) }
    }

    /// Watches until it is cancelled, and returns then. Called once: a watcher that was cancelled does not watch again.
    package func run() async throws {
        let library = InotifyLibrary.shared
        var problem: InotifyProblem?
        do throws(InotifyProblem) { try library.open() } catch { problem = error }
        defer { if problem == nil { library.close() } }
        if let problem {
            for (index, folder) in folders.enumerated() {
                await receiver.noticed(.sweptOnly(folder: folder.path, reason: problem.description), in: index)
            }
        }
        await watch(problem == nil ? library : nil)
    }

    /// Looks at everything in the folder, and says what was seen: a sweep that begins after this call.
    ///
    /// It waits for `run` to begin, and for what the receiver does with the files that are found. Without a folder, and when the watcher ended, the
    /// figures are empty and not complete.
    package func sweepNow(folder: Int) async -> SweepFigures {
        if let figures = await mailboxes[folder].requestSweep() { return figures }
        var figures = SweepFigures(cause: .request, began: clock.now)
        figures.isComplete = false
        return figures
    }

    private func watch(_ library: InotifyLibrary?) async {
        let ender = PollEnder()
        let budget = WatchBudget(limit: capacities.watches)
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                if let library {
                    let lane = BlockingLane(name: "pouch-inotify")
                    group.addTask { [heartbeats] in
                        await lane.run { InotifyReader(library: library, ender: ender, heartbeats: heartbeats).run() }
                    }
                }
                for (index, folder) in folders.enumerated() {
                    let executor = FolderExecutor(name: "pouch-folder-\(index)")
                    group.addTask(executorPreference: executor) { [self] in
                        await FolderWatch(
                            folder, index: index, clock: clock, receiver: receiver, logger: logger, mailbox: mailboxes[index],
                            library: library, budget: budget, capacities: capacities, executor: executor, heartbeats: heartbeats
                        ).run()
                    }
                }
            }
        } onCancel: {
            ender.end()
            for mailbox in mailboxes { mailbox.close() }
        }
    }
}
