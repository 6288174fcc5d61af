import Foundation
package import Logging
import PouchConfiguration
import PouchFiles
import PouchJournal
package import PouchKit
import PouchManifest
import PouchRouting
import PouchWatch
import Synchronization

/// The agent: folders in, partners out, one state folder, one run.
package final class Agent: Sendable {
    /// How a run ends.
    package enum Mode: Hashable, Sendable {
        /// When it is stopped.
        case service
        /// When nothing is left to do, or when what is left would wait longer than this.
        case once(patience: Duration)
        /// When it is stopped; nothing is watched and nothing taken in, and at most one partner is delivered to. For `send` and for
        /// stepping in without a running agent.
        case quiet(PartnerName?)

        var isQuiet: Bool {
            if case .quiet = self { return true }
            return false
        }

        func delivers(to partner: PartnerName) -> Bool {
            if case .quiet(let only) = self { return partner == only }
            return true
        }
    }

    let clock: any AgentClock
    let logger: Logger
    let journal: Journal
    let works: AgentWorks
    let lanes: LaneBoard
    let entrance: CurrentEntrance
    let recovery: Recovery
    let sends: SendBoard
    /// How the configuration is read again; `nil`: it is not.
    let reading: PlanReading?
    /// Who is told how the agent does; `nil`: nobody asked.
    let supervisor: Supervisor?
    let handover = Mutex(Handover.none)
    /// Rung when there is a plan to hand over.
    let handoverBell = Bell()
    let lock: Mutex<StateLock?>
    let stopBell = Bell()
    let isStopping = Mutex(false)
    /// Why the agent stopped although nobody asked it to.
    let breakdown = Mutex<String?>(nil)

    /// What holds now.
    var plan: AgentPlan { entrance.value.plan }
    var intake: Intake { entrance.value.intake }
    var alerts: AlertBell { works.alerts }
    var board: ProgressBoard { works.board }
    var closer: FileCloser { works.closer }
    var outbox: ManifestOutbox { works.outbox }

    /// Opens the state folder: lock, journal, manifest. Nothing runs yet.
    ///
    /// - Parameters:
    ///   - reading: How the configuration is read again when somebody asks for it.
    ///   - supervisor: Is told when a run is ready, reloads and stops, and that its loops move.
    /// - Throws: `AgentFailure`: the folder cannot be made or is open to others, another agent has it, or the journal is of a later version.
    package static func open(
        plan: AgentPlan,
        clock: any AgentClock,
        logger: Logger,
        reading: PlanReading? = nil,
        supervisor: Supervisor? = nil
    ) async throws(AgentFailure) -> Agent {
        let lock = try StateFolder.lock(plan.state)
        let journal: Journal
        do {
            journal = try await Journal.open(at: JournalPlace.path(state: plan.state), agent: plan.name)
        } catch {
            throw AgentFailure(error.description)
        }
        var holds: [PartnerName: PartnerHold] = [:]
        do {
            for held in try await journal.heldPartners() { holds[held.partner] = PartnerHold(code: held.code, reason: held.reason) }
        } catch {
            throw AgentFailure(error.description)
        }
        let returned = try await Self.returnedDrops(journal)
        let repairs = try await ManifestJoint.join(journal, folder: JournalPlace.manifestFolder(state: plan.state))
        let agent = Agent(
            plan: plan, clock: clock, logger: logger, journal: journal, holds: holds, returned: returned, lock: lock,
            reading: reading, supervisor: supervisor)
        agent.tellOpening(repairs)
        return agent
    }

    private init(
        plan: AgentPlan,
        clock: any AgentClock,
        logger: Logger,
        journal: Journal,
        holds: [PartnerName: PartnerHold],
        returned: ReturnedDrops,
        lock: StateLock,
        reading: PlanReading?,
        supervisor: Supervisor?
    ) {
        self.reading = reading
        self.supervisor = supervisor
        let heartbeats = Heartbeats()
        self.clock = clock
        self.logger = logger
        self.journal = journal
        self.lock = Mutex(lock)
        let claimed = ClaimedFolders(state: plan.state, logger: logger)
        let alerts = AlertBell(command: plan.alertCommand, clock: clock, logger: logger)
        let closer = FileCloser(journal: journal, claimed: claimed, clock: clock, alerts: alerts, logger: logger)
        let outbox = ManifestOutbox(
            journal: journal,
            folder: JournalPlace.manifestFolder(state: plan.state),
            clock: clock,
            alerts: alerts,
            heartbeats: heartbeats,
            logger: logger
        )
        let sends = SendBoard()
        let endings = DeliveryEndings(
            journal: journal, closer: closer, outbox: outbox, alerts: alerts, sends: sends, clock: clock, logger: logger)
        let spool = SealedSpool(state: plan.state)
        works = AgentWorks(
            agent: plan.name,
            journal: journal,
            claimed: claimed,
            returned: returned,
            alerts: alerts,
            board: ProgressBoard(),
            closer: closer,
            outbox: outbox,
            endings: endings,
            shelf: SourceShelf(claims: claimed),
            spool: spool,
            heartbeats: heartbeats,
            clock: clock,
            logger: logger
        )
        self.sends = sends
        lanes = LaneBoard(plan.partners.map { [works] in works.lane(to: $0, hold: holds[$0.name]) })
        let entrance = CurrentEntrance(works.entrance(for: plan, lanes: lanes))
        self.entrance = entrance
        recovery = Recovery(
            folders: { entrance.value.plan.folders.map(\.watched.path) },
            claimed: claimed,
            journal: journal,
            closer: closer,
            spool: spool,
            clock: clock,
            alerts: alerts,
            isUnderWay: { entrance.value.intake.isUnderWay($0) },
            logger: logger
        )
    }

    private static func returnedDrops(_ journal: Journal) async throws(AgentFailure) -> ReturnedDrops {
        guard !journal.report.wasClosedCleanly else { return .none }
        do {
            return ReturnedDrops(try await journal.newestFiles(limit: ReturnedDrops.most))
        } catch {
            throw AgentFailure(error.description)
        }
    }

    /// Asks the run to end: nothing new begins, running deliveries get the plan's `drainLimit`.
    package func stop() {
        isStopping.withLock { $0 = true }
        intake.stop()
        lanes.stop()
        stopBell.ring()
    }

    /// Runs until the mode says that it is over. The state is closed when it returns.
    package func run(_ mode: Mode) async -> RunEnding {
        logger.info("started", metadata: ["agent": "\(plan.name)", "state": "\(plan.state)", "folders": "\(plan.folders.count)"])
        if !mode.isQuiet { await ensureFolders(of: plan) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.outbox.run() }
            group.addTask { await self.alerts.run() }
            group.addTask { await self.watchOverJournal() }
            group.addTask {
                await ControlServer(state: self.plan.state, answering: self, logger: self.logger).run {
                    await self.supervisor?.tell(.ready)
                }
            }
            group.addTask { await self.tellSupervisor() }
            if !mode.isQuiet {
                await recovery.reconcile(isStart: true)
                await holdPartnersThatAreGone()
                await forgetLateTimes()
            }
            await withTaskGroup(of: Void.self) { work in
                work.addTask { [lanes] in await lanes.run(where: mode.delivers) }
                if !mode.isQuiet {
                    work.addTask { await self.watch() }
                    work.addTask { await self.housekeeping() }
                    if mode == .service {
                        work.addTask { await self.receiptRounds.run() }
                    } else {
                        await receiptRounds.round()
                    }
                }
                await waitForTheEnd(of: mode)
                await supervisor?.tell(.stopping)
                stop()
                await drain(&work)
            }
            await intake.settleAccounts()
            await alerts.finishTelling(within: mode == .service ? plan.drainLimit : AlertBell.limit)
            group.cancelAll()
        }
        let ending = await finish(mode)
        logger.info("stopped", metadata: ["agent": "\(plan.name)", "summary": "\(ending.summary)"])
        return ending
    }

    private var receiptRounds: ReceiptRounds {
        ReceiptRounds(
            agent: plan.name, partners: { [entrance] in entrance.value.plan.partners }, journal: journal, outbox: outbox,
            clock: clock,
            logger: logger)
    }

    // MARK: The loops

    /// A journal that turns out to be damaged stops the agent: the next start keeps it aside and begins anew.
    private func watchOverJournal() async {
        do {
            try await journal.run()
        } catch {
            breakDown("the journal is damaged: \(error)", subject: "journal", code: "journal-damaged")
        }
    }

    /// Stops with a failure, so that whoever supervises the agent starts it again.
    func breakDown(_ text: String, subject: String, code: String) {
        breakdown.withLock { $0 = $0 ?? text }
        alerts.raise(.damaged, subject: subject, code: code, text: text)
        stop()
    }

    private func tellOpening(_ repairs: [ManifestFile.Repair]) {
        for repair in repairs {
            alerts.raise(
                .damaged,
                subject: "manifest",
                code: "manifest-torn",
                text: "the manifest ended in \(repair.byteCount) bytes that are no line; they are kept at \(repair.keptAt)"
            )
        }
        let report = journal.report
        if let damage = report.damage {
            alerts.raise(
                .damaged,
                subject: "journal",
                code: "journal-damaged",
                text: "the journal was damaged (\(damage.cause)) and is kept at \(damage.keptAt); a new one was begun"
            )
        }
        if report.interrupted > 0 {
            logger.info("deliveries were interrupted and go on", metadata: ["count": "\(report.interrupted)"])
        }
    }

    /// A drop folder that is not there is made: an agent that is started before its producers is no error.
    func ensureFolders(of plan: AgentPlan) async {
        for folder in plan.folders {
            let path = folder.watched.path
            do {
                _ = try await onBlockingThread { () throws(FileProblem) in try DirectoryHandle.create(path, mode: 0o755) }
            } catch {
                logger.warning("the drop folder cannot be made", metadata: ["folder": "\(path)", "cause": "\(error)"])
            }
        }
    }
}
