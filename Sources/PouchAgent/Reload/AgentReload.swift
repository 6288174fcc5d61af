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
    /// A plan, what holds the partners that are new in it, and whom to tell how it went: why it was not taken, or `nil`.
    struct Parcel: Sendable {
        let plan: AgentPlan
        let holds: [PartnerName: PartnerHold]
        let done: CheckedContinuation<String?, Never>
    }

    case none
    case wanted(Parcel)
    /// Taken, and the agent is being changed by it.
    case underWay
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
        if onlyPlanning { return await readAgain(onlyPlanning: true) }
        await supervisor?.tellReloading()
        let answer = await readAgain(onlyPlanning: false)
        await supervisor?.tell(.ready)
        return answer
    }

    private func readAgain(onlyPlanning: Bool) async -> ControlAnswer {
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
                if let why = await adopt(next, holds: try await holds()) {
                    logger.error("the configuration was not taken over", metadata: ["cause": "\(why)"])
                    return .refused(text: why, hint: "nothing was changed")
                }
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

    private func holds() async throws(JournalFailure) -> [PartnerName: PartnerHold] {
        var holds: [PartnerName: PartnerHold] = [:]
        for held in try await journal.heldPartners() { holds[held.partner] = PartnerHold(code: held.code, reason: held.reason) }
        return holds
    }

    /// - Returns: why it could not be done; `nil` when it is.
    private func adopt(_ next: AgentPlan, holds: [PartnerName: PartnerHold]) async -> String? {
        // Two lanes to one partner would know nothing of each other's deliveries.
        if let partner = next.partners.first(where: { lanes[$0.name] == nil && lanes.isLeaving($0.name) }) {
            return "what had begun for \(partner.name) before it was taken out has not ended: try again in a moment"
        }
        return await withCheckedContinuation { done in
            let refusal: String? = handover.withLock { handover in
                switch handover {
                case .none:
                    handover = .wanted(Handover.Parcel(plan: next, holds: holds, done: done))
                    return nil
                case .wanted, .underWay: return "somebody else's reload is under way"
                case .over: return "the agent is stopping"
                }
            }
            if let refusal { done.resume(returning: refusal) } else { handoverBell.ring() }
        }
    }

    // MARK: The loop that watches

    /// Watches by the plan that holds, and by the next one when there is one.
    func watch() async {
        while true {
            let open = entrance.value
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.watch(by: open) }
                group.addTask { await self.waitForHandover() }
                await group.next()
                group.cancelAll()
            }
            guard let parcel = takeParcel() else { return }
            await change(to: parcel, from: open)
            handover.withLock { $0 = .none }
            parcel.done.resume(returning: nil)
        }
    }

    private func waitForHandover() async {
        while !Task.isCancelled {
            if case .wanted = handover.withLock({ $0 }) { return }
            await handoverBell.wait()
        }
    }

    /// - Returns: `nil` when nothing is watched any more; whoever waits for a reload is told then.
    private func takeParcel() -> Handover.Parcel? {
        let isOver = Task.isCancelled || isStopping.withLock { $0 }
        let found = handover.withLock { handover in
            defer {
                if case .wanted = handover, !isOver { handover = .underWay } else { handover = .over }
            }
            return handover
        }
        guard case .wanted(let parcel) = found else { return nil }
        guard isOver else { return parcel }
        parcel.done.resume(returning: "the agent is stopping")
        return nil
    }

    private func watch(by entrance: Entrance) async {
        do {
            try await entrance.watcher.run()
        } catch is CancellationError {
            return
        } catch {
            breakDown("the folders are not watched any more: \(error)", subject: "watching", code: "watch")
        }
    }

    private func change(to parcel: Handover.Parcel, from former: Entrance) async {
        let plan = parcel.plan
        former.intake.stop()
        await former.intake.settleAccounts()
        let named = Set(plan.partners.map(\.name))
        for partner in former.plan.partners where !named.contains(partner.name) { lanes.remove(partner.name) }
        for partner in plan.partners {
            guard let lane = lanes[partner.name] else {
                lanes.add(works.lane(to: partner, hold: parcel.holds[partner.name]))
                continue
            }
            // What did not change keeps its connections, and what is known of the far end.
            guard !partner.isMadeOfTheSame(as: lane.plan) else { continue }
            lane.change { budget in works.pipeline(to: partner, within: budget) }
        }
        alerts.change(command: plan.alertCommand)
        entrance.change(to: works.entrance(for: plan, lanes: lanes, after: former.intake))
        await ensureFolders(of: plan)
    }
}
