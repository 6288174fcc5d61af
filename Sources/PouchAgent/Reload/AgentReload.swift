import Logging
import PouchFiles
import PouchJournal
import PouchKit
import PouchWatch
import Synchronization

/// Another reading of the configuration, or why it cannot be used.
package typealias PlanReading = @Sendable () -> Result<AgentPlan, UnusablePlan>

/// A configuration that was read and is no good.
package struct UnusablePlan: Error, Sendable {
    /// Each with its place, for people.
    package let problems: [String]

    package init(problems: [String]) { self.problems = problems }
}

/// The next plan, on its way to the loop that watches.
enum Handover: Sendable {
    case none
    case wanted(AgentPlan, done: CheckedContinuation<String?, Never>)
    /// Nothing is watched any more.
    case over
}

/// Reading the configuration again while deliveries run.
extension Agent {
    /// The configuration is read and checked; if it is good, the agent works by it from now on: deliveries that run end as they began, what is
    /// queued begins by the new settings. A bad one changes nothing, and somebody is told.
    ///
    /// - Parameter onlyPlanning: Says what would change, and changes nothing.
    @discardableResult
    package func reload(onlyPlanning: Bool = false) async -> ControlAnswer {
        guard let reading else {
            return .refused(
                text: "this run does not read its configuration again", hint: "it ends by itself, or after this request")
        }
        let (former, now) = (plan, clock.now)
        switch await onBlockingThread({ reading() }) {
        case .failure(let unusable):
            let text = unusable.problems.joined(separator: "\n")
            if !onlyPlanning { raiseUnusable(text) }
            return .refused(text: text, hint: "nothing was changed: the agent goes on as before; `pouch check` says the same")
        case .success(let next):
            do {
                let queued = try await journal.snapshot(now: now).partners
                let change = PlanChange(from: former, to: next, queued: queued)
                if let obstacle = change.obstacle {
                    let text = "\(obstacle): that is read when the agent starts"
                    if !onlyPlanning { raiseUnusable(text) }
                    return .refused(text: text, hint: "nothing was changed: restart the agent")
                }
                let changes = change.sentences.isEmpty ? ["nothing else than before"] : change.sentences
                if onlyPlanning { return .done(text: (["it would be:"] + changes).joined(separator: "\n  ")) }
                if let why = await adopt(next) { return .refused(text: why, hint: "nothing was changed") }
                await holdPartnersThatAreGone()
                lanes.noteBacklog()
                alerts.clear(.configuration, subject: "agent")
                logger.info("the configuration was read again", metadata: ["changes": "\(changes.joined(separator: "; "))"])
                return .done(text: (["the configuration was read again:"] + changes).joined(separator: "\n  "))
            } catch {
                return .refused(text: "\(error)", hint: "nothing was changed")
            }
        }
    }

    private func raiseUnusable(_ text: String) {
        alerts.raise(
            .configuration, subject: "agent", code: "configuration",
            text: "the configuration was changed and cannot be used; the agent goes on with the former one: \(text)")
    }

    /// - Returns: why it could not be done; `nil` when it is.
    private func adopt(_ next: AgentPlan) async -> String? {
        await withCheckedContinuation { done in
            let refusal: String? = handover.withLock { handover in
                switch handover {
                case .none:
                    handover = .wanted(next, done: done)
                    return nil
                case .wanted: return "somebody else's reload is under way"
                case .over: return "the agent is stopping"
                }
            }
            if let refusal { done.resume(returning: refusal) } else { entrance.value.closing.ring() }
        }
    }

    // MARK: The loop that watches

    /// Watches by the plan that holds, and by the next one when there is one.
    func watch() async {
        while true {
            let open = entrance.value
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.watch(by: open) }
                group.addTask { await open.closing.wait() }
                await group.next()
                group.cancelAll()
            }
            let isOver = Task.isCancelled || isStopping.withLock { $0 }
            let wanted = handover.withLock { handover in
                defer { handover = isOver ? .over : .none }
                return handover
            }
            guard case .wanted(let plan, let done) = wanted else { return endWatching() }
            if isOver { return done.resume(returning: "the agent is stopping") }
            await change(to: plan, from: open)
            done.resume(returning: nil)
        }
    }

    /// The watcher ended by itself: whoever asks for a reload now is told.
    private func endWatching() { handover.withLock { $0 = .over } }

    private func watch(by entrance: Entrance) async {
        do {
            try await entrance.watcher.run()
        } catch is CancellationError {
            return
        } catch {
            breakDown("the folders are not watched any more: \(error)", subject: "watching", code: "watch")
        }
    }

    private func change(to plan: AgentPlan, from former: Entrance) async {
        former.intake.stop()
        await former.intake.settleAccounts()
        let named = Set(plan.partners.map(\.name))
        for partner in former.plan.partners where !named.contains(partner.name) { lanes.remove(partner.name) }
        for partner in plan.partners {
            if let lane = lanes[partner.name] {
                lane.change { budget in works.pipeline(to: partner, within: budget) }
            } else {
                lanes.add(works.lane(to: partner, hold: nil))
            }
        }
        alerts.change(command: plan.alertCommand)
        entrance.change(to: works.entrance(for: plan, lanes: lanes, after: former.intake))
        await ensureFolders(of: plan)
    }
}
