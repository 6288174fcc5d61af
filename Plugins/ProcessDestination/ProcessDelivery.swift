import Glibc
import PouchKit

/// One attempt at one delivery through a plugin.
struct ProcessDelivery: Sendable {
    let file: OutgoingFile
    let context: DeliveryContext
    let plan: PluginPlan
    let keeper: PluginKeeper
    let patience: Patience
    private let started = ContinuousClock.now

    init(file: OutgoingFile, context: DeliveryContext, plan: PluginPlan, keeper: PluginKeeper, patience: Patience) {
        self.file = file
        self.context = context
        self.plan = plan
        self.keeper = keeper
        self.patience = patience
    }

    private var attempt: String { plan.attempt(at: file, as: context.key) }

    func run(from checkpoint: Checkpoint?) async throws(DeliveryFailure) -> DeliveryOutcome {
        if let largest = plan.manifest.largestFile, file.size > largest.bytes {
            throw failure(.hold, "too-large", "the file has \(file.size) bytes, and the plugin takes \(largest)")
        }
        let sha256 = try await file.digests().sha256
        let saved = checkpoint.flatMap(SavedProgress.init)
        if await keeper.isPoison(context.delivery) {
            throw failure(
                .quarantine, "plugin-dies", "the plugin ended \(PoisonLedger.mostDeaths) times while it had this file alone",
                hint: "the others go on; `pouch trace` says how it ended")
        }
        do { try await keeper.gate.enter(alone: await keeper.mustRunAlone(context.delivery)) } catch { throw stopped() }
        defer { keeper.gate.leave() }
        try stopIfOver()
        let link: PluginLink
        do throws(PluginLoss) { link = try await keeper.link(for: context.agent) } catch { throw error.failure(of: attempt) }
        await keeper.began(context.delivery)
        let outcome: Outcome
        do throws(PluginLoss) {
            outcome = try await run(on: link, sha256, from: saved, asking: checkpoint != nil || context.attempt > 1)
        } catch {
            await keeper.finished(context.delivery, on: link, error)
            throw error.failure(of: attempt)
        }
        await keeper.finished(context.delivery, on: link, nil)
        return try outcome.get()
    }

    /// A failure that the plugin told, or that is the file's or the journal's, is an outcome: the plugin did what it was asked to.
    private typealias Outcome = DeliveryTalk.Outcome

    private func run(
        on link: PluginLink, _ sha256: SHA256Digest, from saved: SavedProgress?, asking: Bool
    ) async throws(PluginLoss) -> Outcome {
        let question = DeliveryQuestion(
            delivery: context.delivery, key: context.key, size: file.size, sha256: sha256, checkpoint: saved?.data)
        let talk = DeliveryTalk(
            file: file, context: context, plan: plan, link: link, patience: patience, question: question, started: started)
        if asking {
            switch try await talk.ask(within: min(patience.answer, timeLeft)) {
            case .present(let receipt): return .success(.delivered(receipt))
            case .failed(let failure): return .failure(failure)
            case .unknown(let why) where saved?.isReady == true && plan.manifest.whenUnknown != .again:
                return .failure(
                    failure(
                        .quarantine, "outcome-unknown", "it may have arrived, and nobody can say whether it did" + why,
                        hint: "ask the partner; `pouch retry` delivers it again"))
            case .unknown where saved?.isReady == true: return try await talk.deliver(within: timeLeft, again: true)
            case .absent, .unknown: break
            }
        }
        return try await talk.deliver(within: timeLeft)
    }

    private var timeLeft: Duration { context.budget.limits.deadline - (ContinuousClock.now - started) }

    private func stopIfOver() throws(DeliveryFailure) {
        if Task.isCancelled || timeLeft <= .zero { throw stopped() }
    }

    private func stopped() -> DeliveryFailure {
        failure(.retry, "stopped", "the agent stops, or the attempt took longer than it may")
    }

    private func failure(
        _ remedy: DeliveryFailure.Remedy, _ code: String, _ cause: String, hint: String? = nil
    ) -> DeliveryFailure {
        DeliveryFailure(remedy, code: code, attempt: attempt, cause: cause, hint: hint)
    }
}
