import PouchKit

/// Keeps one plugin running: starts it when somebody needs it, and again, after a pause, when it was lost.
actor PluginKeeper {
    private enum Condition {
        case down
        /// Who came while it was being started.
        case starting([CheckedContinuation<Result<PluginLink, PluginLoss>, Never>])
        case up(PluginLink)
    }

    nonisolated let gate = InFlightGate()
    private let plan: PluginPlan
    private let patience: Patience
    private let clock: any AgentClock
    private let interference: PluginInterference?
    private var condition = Condition.down
    private var schedule = RestartSchedule()
    private var poison = PoisonLedger()
    private var running: Set<DeliveryID> = []

    init(plan: PluginPlan, patience: Patience, clock: any AgentClock, interference: PluginInterference?) {
        self.interference = interference
        self.plan = plan
        self.patience = patience
        self.clock = clock
    }

    /// The running plugin. While it rests briefly it is waited for: whoever came for it would fail for nothing.
    func link(for agent: String) async throws(PluginLoss) -> PluginLink {
        while true {
            switch condition {
            case .up(let link):
                guard let loss = link.loss else { return link }
                note(loss, of: link)
            case .starting(let waiting):
                let outcome = await withCheckedContinuation { continuation in condition = .starting(waiting + [continuation]) }
                return try outcome.get()
            case .down: break
            }
            guard let wait = schedule.wait(at: clock.monotonic) else { return try await start(for: agent) }
            guard wait <= patience.rest, (try? await clock.sleep(for: wait)) != nil else { throw PluginLoss(.resting(wait)) }
        }
    }

    private func start(for agent: String) async throws(PluginLoss) -> PluginLink {
        condition = .starting([])
        let outcome: Result<PluginLink, PluginLoss>
        do throws(PluginLoss) {
            let (link, parallel) = try await Handshake(plan: plan, agent: agent, patience: patience, interference: interference)
                .run()
            gate.widen(to: parallel)
            outcome = .success(link)
        } catch {
            schedule.lost(at: clock.monotonic)
            outcome = .failure(error)
        }
        let waiting: [CheckedContinuation<Result<PluginLink, PluginLoss>, Never>] =
            if case .starting(let waiting) = condition { waiting } else { [] }
        condition = (try? outcome.get()).map { .up($0) } ?? .down
        for continuation in waiting { continuation.resume(returning: outcome) }
        return try outcome.get()
    }

    /// The plugin, where it runs.
    var current: PluginLink? {
        if case .up(let link) = condition { link } else { nil }
    }

    // MARK: What becomes of deliveries

    func isPoison(_ delivery: DeliveryID) -> Bool { poison.isPoison(delivery) }
    func mustRunAlone(_ delivery: DeliveryID) -> Bool { poison.mustRunAlone(delivery) }
    func began(_ delivery: DeliveryID) { running.insert(delivery) }

    /// - Parameter loss: what it ended with, where the plugin was lost.
    func finished(_ delivery: DeliveryID, on link: PluginLink, _ loss: PluginLoss?) {
        if let loss {
            note(loss, of: link)
        } else {
            schedule.worked()
            poison.survived(delivery)
        }
        running.remove(delivery)
    }

    /// Once for each plugin that is lost, however many tell of it.
    private func note(_ loss: PluginLoss, of link: PluginLink) {
        guard case .up(let current) = condition, current === link else { return }
        condition = .down
        schedule.lost(at: clock.monotonic)
        if loss.mayComeFromTheFile { poison.died(with: running) }
    }
}
