import Logging
import PouchFiles
import PouchJournal
import PouchKit
import Synchronization

/// One partner's way out: its own slots, its own threads for reading, its own breaker. A lane that hangs or is held stops nobody else.
final class Lane: Sendable {
    private struct State {
        /// What deliveries that begin from now on go through.
        var pipeline: DeliveryPipeline
        var gate: LaneGate
        var queue = LaneQueue()
        /// Ended, and their files are being put away.
        var closing = 0
        var isStopping = false
    }

    private enum Move {
        case begin(PendingDelivery, asProbe: Bool)
        case read
        case wait(until: Duration?)
        case stop
    }

    /// Files that may be on their way to the archive before the lane waits for it.
    private static let mostClosing = 64

    let partner: PartnerName
    private let budget: TransferBudget
    private let journal: Journal
    private let clock: any AgentClock
    private let logger: Logger
    private let endings: any LaneEndings
    private let heartbeats: Heartbeats
    private let bell = Bell()
    private let state: Mutex<State>

    init(
        hold: PartnerHold?,
        pipeline: DeliveryPipeline,
        journal: Journal,
        clock: any AgentClock,
        logger: Logger,
        endings: any LaneEndings,
        heartbeats: Heartbeats
    ) {
        self.heartbeats = heartbeats
        partner = pipeline.partner.name
        self.journal = journal
        self.clock = clock
        self.logger = logger
        self.endings = endings
        budget = pipeline.budget
        state = Mutex(State(pipeline: pipeline, gate: LaneGate(slots: pipeline.partner.limits.atOnce, hold: hold)))
    }

    /// From now on deliveries begin by this plan; what is running ends as it began, and all of it keeps within the new limits.
    func change(to pipeline: (TransferBudget) -> DeliveryPipeline) {
        let pipeline = pipeline(budget)
        budget.change(to: pipeline.partner.limits)
        state.withLock { state in
            state.pipeline = pipeline
            state.gate.change(slots: pipeline.partner.limits.atOnce)
            state.gate.forgetFailures()
        }
        bell.ring()
    }

    /// Something in the journal may be due.
    func noteBacklog() {
        state.withLock { $0.queue.noteBacklog() }
        bell.ring()
    }

    /// What deliveries go by that begin now.
    var plan: PartnerPlan { state.withLock { $0.pipeline.partner } }

    var hold: PartnerHold? { state.withLock { $0.gate.hold } }

    /// A delivery runs, or what follows its end.
    var isBusy: Bool { state.withLock { $0.gate.running + $0.closing > 0 } }

    var breaker: Breaker.State { state.withLock { $0.gate.breaker.state } }

    /// Somebody knows that the partner is there again: the breaker's interval is not waited for.
    func tryNow() {
        state.withLock { state in
            state.gate.forgetFailures()
            state.queue.noteBacklog()
        }
        bell.ring()
    }

    func change(hold: PartnerHold?) {
        state.withLock { state in
            state.gate.hold = hold
            state.queue.noteBacklog()
        }
        bell.ring()
    }

    /// Begins nothing more; `run` returns when what is running has ended.
    func stop() {
        state.withLock { $0.isStopping = true }
        bell.ring()
    }

    func run() async {
        let heartbeat = heartbeats.join("lane \(partner)") { [bell] in bell.ring() }
        // Deliveries that are running end in their own time, and are not asked.
        await withDiscardingTaskGroup { group in
            defer { heartbeat.leave() }
            while true {
                await heartbeat.comesAround()
                switch nextMove() {
                case .begin(let delivery, let asProbe):
                    group.addTask { await self.deliver(delivery, asProbe: asProbe) }
                case .read:
                    await readJournal()
                case .wait(let until):
                    if let until {
                        await bell.wait(atMost: until - clock.monotonic, on: clock)
                    } else {
                        await bell.wait()
                    }
                    if Task.isCancelled { return }
                case .stop:
                    return
                }
            }
        }
    }

    private func nextMove() -> Move {
        let now = clock.monotonic
        return state.withLock { state in
            if state.isStopping || Task.isCancelled { return .stop }
            if state.closing >= Self.mostClosing { return .wait(until: nil) }
            switch state.gate.verdict(at: now) {
            case .held: return .wait(until: nil)
            case .wait(let until): return .wait(until: until)
            case .begin(let asProbe):
                if let delivery = state.queue.next() {
                    state.gate.began(asProbe: asProbe)
                    return .begin(delivery, asProbe: asProbe)
                }
                if state.queue.hasBacklog || state.queue.nextDue.map({ $0 <= now }) == true {
                    state.queue.willRead()
                    return .read
                }
                return .wait(until: state.queue.nextDue)
            }
        }
    }

    /// Fetches what is due. What was admitted before this began is committed first, so that it is seen.
    private func readJournal() async {
        do {
            try await journal.flush().value()
            let now = clock.now
            let due = try await journal.due(partner: partner, now: now, limit: LaneQueue.capacity)
            let next = try await journal.nextDue(partner: partner, after: now)
            // A wall clock that was set back must not make a retry wait for days: no pause of ours is longer than an hour.
            let pause = next.map { min(max(now.duration(to: $0), .zero), .seconds(3_600)) }
            let nextDue = pause.map { clock.monotonic + $0 }
            state.withLock { $0.queue.didRead(due, wasCut: due.count == LaneQueue.capacity, nextDue: nextDue) }
        } catch {
            logger.error("the journal could not be read", metadata: ["partner": "\(partner)", "cause": "\(error)"])
            state.withLock { $0.queue.didNotRead() }
            // Cancelled: the loop sees it.
            try? await clock.sleep(for: .seconds(1))
        }
    }

    private func deliver(_ delivery: PendingDelivery, asProbe: Bool) async {
        let ending = await state.withLock { $0.pipeline }.attempt(delivery)
        let now = clock.monotonic
        let jitter = Double.random(in: 0..<1)
        state.withLock { state in
            state.queue.ended(delivery.id)
            state.closing += 1
            switch ending {
            case .recorded, .quarantined: state.gate.ended(.answered, at: now, jitter: jitter)
            case .waiting(let failure, let pause):
                state.gate.ended(failure.isOurs ? .silent : .unreachable, at: now, jitter: jitter)
                state.queue.noteDue(at: now + pause)
            case .held(let failure):
                state.gate.ended(.answered, at: now, jitter: jitter)
                state.gate.hold = PartnerHold(code: failure.code, reason: failure.description)
            case .retaken(_, let pause):
                state.gate.ended(.silent, at: now, jitter: jitter)
                state.queue.noteDue(at: now + pause)
            case .unrecorded:
                state.gate.ended(.silent, at: now, jitter: jitter)
                state.queue.noteDue(at: now + .seconds(2))
            case .heldAlone, .stopped: state.gate.ended(.silent, at: now, jitter: jitter)
            }
        }
        if case .waiting = ending { await waitForProbe() }
        // The slot is free now, whatever the archive takes.
        bell.ring()
        await endings.ended(delivery, ending, lane: self)
        state.withLock { $0.closing -= 1 }
        bell.ring()
    }

    /// While the partner does not answer, nothing of it waits longer than until the next probe: one is there to be sent, and the others
    /// go at once when it succeeds, however often each of them had failed.
    private func waitForProbe() async {
        guard let probe = state.withLock({ $0.gate.breaker.nextProbe }) else { return }
        let time = clock.now.advanced(by: max(probe - clock.monotonic, .zero))
        do {
            _ = try await journal.bringForward(of: partner, waitsBeyond: time, to: time).value()
            state.withLock { $0.queue.noteDue(at: probe) }
        } catch {
            logger.error("the journal could not be written", metadata: ["partner": "\(partner)", "cause": "\(error)"])
        }
    }
}

/// Who is told how deliveries end.
protocol LaneEndings: Sendable {
    func ended(_ delivery: PendingDelivery, _ ending: DeliveryPipeline.Ending, lane: Lane) async
}

extension DeliveryFailure {
    /// True when the failure says nothing of the far end: our journal, the source file, its sealed form, or a plugin's process, which is
    /// started again by a schedule of its own; or this machine has no descriptor or memory left.
    var isOurs: Bool { code == "journal" || isShortage || ["source-", "seal-", "plugin-"].contains(where: code.hasPrefix) }
}
