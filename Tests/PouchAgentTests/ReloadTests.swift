import PouchAgent
import PouchConfiguration
import PouchConformance
import PouchJournal
import PouchKit
import PouchRouting
import PouchTestSupport
import PouchWatch
import Synchronization
import Testing

/// A plan with one partner for each name, each reached at a place of its name.
private func plan(
    folders: [String] = ["/drop"],
    partners: [PartnerPlan] = [partner("acme")],
    name: String = "edge",
    state: String = "/state",
    rules: [RouteRule] = [],
    unmatched: UnmatchedPolicy = .hold,
    alerts: [String] = [],
    then afterwards: Afterwards = .delete
) -> AgentPlan {
    AgentPlan(
        name: name, state: state, folders: folders.map { FolderPlan(watched: WatchedFolder(path: $0), afterwards: afterwards) },
        router: Router(rules: rules), partners: partners, unmatched: unmatched, alertCommand: alerts)
}

private func partner(
    _ name: String, at target: String = "here", atOnce: Int = 4, rate: Int64? = nil, settings: String = "same"
) -> PartnerPlan {
    PartnerPlan(
        name: PartnerName(unchecked: name), destination: ScriptedDestination(target: target),
        limits: TransferBudget.Limits(bytesPerSecond: rate, atOnce: atOnce),
        settings: SeenObject(Array(settings.utf8)).sha256)
}

private func queued(_ name: String, _ count: Int) -> PartnerSummary {
    var counts = DeliveryCounts()
    counts.waiting = count
    return PartnerSummary(partner: PartnerName(unchecked: name), counts: counts, oldestWaiting: nil, nextAttempt: nil)
}

@Suite("what another reading of the configuration changes")
struct PlanChangeTests {
    @Test("is nothing when it says the same")
    func nothing() {
        let change = PlanChange(from: plan(), to: plan(), queued: [queued("acme", 3)])
        #expect(change.sentences == [] && change.obstacle == nil)
    }

    @Test("is told in sentences, with the deliveries that it concerns")
    func sentences() {
        let cases: [(AgentPlan, [String])] = [
            (plan(folders: ["/other"]), ["/drop is not watched any more; what was taken from it goes on", "/other is watched"]),
            (
                plan(then: .keep),
                ["what is taken from /drop from now on is put away as `then:` says now; the rest as it said before"]
            ),
            (
                plan(partners: [partner("globex")]),
                [
                    "acme is not named any more: 3 deliveries are held until it is again",
                    "globex is delivered to: 1 delivery is released",
                ]
            ),
            (
                plan(partners: [partner("acme", at: "there")]),
                ["acme is reached at there, and was at here: 3 deliveries are sent there, what had begun from the start"]
            ),
            (
                plan(partners: [partner("acme", atOnce: 2, rate: 1_000)]),
                ["acme has other limits: 2 at once at 1000 B/s, and had 4 at once"]
            ),
            (plan(partners: [partner("acme", settings: "other")]), ["acme has other settings: 3 deliveries are sent by them"]),
            (
                plan(rules: [RouteRule(name: Specimen.route, partners: [Specimen.acme])]),
                ["the routes are others; what was taken already keeps its partners and keys"]
            ),
            (
                plan(unmatched: .ignore, alerts: ["page"]),
                ["files that no route takes: ignore", "somebody is told by another command"]
            ),
        ]
        for (next, sentences) in cases {
            let change = PlanChange(from: plan(), to: next, queued: [queued("acme", 3), queued("globex", 1)])
            #expect(change.sentences == sentences)
            #expect(change.obstacle == nil)
        }
    }

    @Test("cannot be another agent or another state")
    func obstacles() {
        #expect(PlanChange(from: plan(), to: plan(name: "b"), queued: []).obstacle == "agent.name was edge and is b")
        #expect(PlanChange(from: plan(), to: plan(state: "/b"), queued: []).obstacle == "agent.state was /state and is /b")
    }
}

@Suite("an agent that reads its configuration again")
struct ReloadTests {
    /// An agent that runs as a service, and the plan that it finds when it reads again.
    private final class Reading: Sendable {
        let house: AgentHouse
        private let next = Mutex<Result<AgentPlan, UnusablePlan>>(.failure(UnusablePlan(problems: ["nothing to read"])))

        init(_ house: AgentHouse) { self.house = house }

        func finds(_ plan: AgentPlan) { next.withLock { $0 = .success(plan) } }
        func findsNothingGood(_ problem: String) { next.withLock { $0 = .failure(UnusablePlan(problems: [problem])) } }

        /// The house's plan, with these partners, folders and takers of everything.
        func plan(
            partners: [(PartnerName, ScriptedDestination)], folders: [String] = ["drop"], atOnce: Int = 4,
            name: String = "edge-test"
        ) -> AgentPlan {
            AgentPlan(
                name: name, state: house.state,
                folders: folders.map {
                    FolderPlan(watched: WatchedFolder(path: house.folder.path($0), sweepEvery: .seconds(60)), afterwards: .delete)
                },
                router: Router(rules: [RouteRule(name: Specimen.route, partners: partners.map(\.0))]),
                partners: partners.map {
                    PartnerPlan(name: $0.0, destination: $0.1, limits: TransferBudget.Limits(atOnce: atOnce))
                },
                unmatched: .hold, alertCommand: house.plan.alertCommand)
        }

        /// Runs a service while the body asks it.
        func whileRunning(_ body: (Agent) async throws -> Void) async throws -> RunEnding {
            let agent = try await Agent.open(
                plan: house.plan, clock: house.clock, logger: Silence.logger, reading: { self.next.withLock { $0 } })
            async let ending = agent.run(.service)
            do { try await body(agent) } catch {
                agent.stop()
                _ = await ending
                throw error
            }
            agent.stop()
            return await ending
        }

        /// Waits on the house's clock until the partner has it.
        func wait(until isTrue: () async throws -> Bool) async throws {
            while try await !isTrue() { try await house.clock.sleep(for: .milliseconds(300)) }
        }
    }

    private func answer(_ agent: Agent, onlyPlanning: Bool = false) async -> String {
        switch await agent.answer(.reload(onlyPlanning: onlyPlanning), progress: { _ in true }) {
        case .done(let text): text
        case .refused(let text, let hint): "refused: \(text) | \(hint ?? "")"
        case .progress: "?"
        }
    }

    @Test("works by it: new folders, new partners, and those that are gone are held with what they have", .timeLimit(.minutes(20)))
    func adopts() async throws {
        let reading = Reading(try AgentHouse(.refuse(.retry, code: "SlowDown"), clock: HurriedClock()))
        let house = reading.house
        let globex = ScriptedDestination(target: "globex")
        reading.finds(reading.plan(partners: [(Specimen.globex, globex)], folders: ["drop", "second"]))
        let ending = try await reading.whileRunning { agent in
            try house.drop("first", "for acme")
            try await reading.wait { !house.destination.calls.isEmpty }
            let planned = await answer(agent, onlyPlanning: true)
            #expect(planned.hasPrefix("it would be:\n") && planned.contains("\n  \(house.folder.path("second")) is watched"))
            #expect(planned.contains("acme is not named any more"))
            #expect(globex.calls == [] && !house.folder.exists("second"))

            #expect(await answer(agent).hasPrefix("the configuration was read again:"))
            try house.folder.write("for globex", to: "second/new")
            try house.drop("third", "for globex too")
            try await reading.wait { globex.objects.count == 2 }
            #expect(globex.objects == ["new": "for globex", "third": "for globex too"])
        }
        #expect(ending.breakdown == nil)
        // What was under way when acme went may have ended, and is never lost or sent elsewhere.
        let total = try await house.snapshot().total
        #expect(total.delivered + total.onTheWay == 3 && total.unaccounted == 0)
        let holds = try await house.snapshot().heldPartners.map(\.code)
        #expect(holds == ["partner-gone"] || total.onTheWay == 0 && holds == [])
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.objects == ["first": "for acme"])
    }

    @Test("delivers what is queued by the new settings, and begins anew what had begun elsewhere", .timeLimit(.minutes(20)))
    func moves() async throws {
        let reading = Reading(
            try AgentHouse(.breakOff(.retry, code: "SlowDown"), .breakOff(.hold, code: "AccessDenied"), clock: HurriedClock()))
        let house = reading.house
        let moved = ScriptedDestination(target: "elsewhere")
        reading.finds(reading.plan(partners: [(Specimen.acme, moved)], atOnce: 1))
        _ = try await reading.whileRunning { agent in
            try house.drop("seeds", "seeds")
            try await reading.wait { try await house.snapshot().heldPartners.count == 1 }
            #expect(await answer(agent).contains("acme is reached at elsewhere, and was at memory"))
            // A hold is a person's to end, whatever the file says.
            #expect(moved.calls == [])
            _ = await agent.answer(.release(partner: Specimen.acme)) { _ in true }
            try await reading.wait { moved.objects == ["seeds": "seeds"] }
        }
        #expect(moved.calls.map(\.checkpoint) == [nil])
        #expect(moved.abandoned.map(\.target) == [TargetFingerprint("memory")])
        #expect(house.destination.objects == [:])
    }

    @Test("goes on as before when it cannot be used, and somebody is told", .timeLimit(.minutes(20)))
    func refuses() async throws {
        let reading = Reading(try AgentHouse(.deliver, clock: HurriedClock()))
        let house = reading.house
        reading.findsNothingGood("agent.yaml:3:1: unknown key 'parners'")
        _ = try await reading.whileRunning { agent in
            let refusal = await answer(agent)
            #expect(refusal.hasPrefix("refused: agent.yaml:3:1: unknown key 'parners' | nothing was changed"))
            reading.finds(reading.plan(partners: [(Specimen.acme, house.destination)], name: "other"))
            #expect(await answer(agent).contains("agent.name was edge-test and is other: that is read when the agent starts"))
            try house.drop("seeds", "seeds")
            try await reading.wait { house.destination.objects == ["seeds": "seeds"] }
        }
        #expect(try house.alerts().map(\.kind) == [.configuration])
    }

    @Test("keeps what a person held, also for a partner that is taken out and named again", .timeLimit(.minutes(20)))
    func keepsHolds() async throws {
        let reading = Reading(try AgentHouse(.deliver, clock: HurriedClock()))
        let house = reading.house
        let globex = ScriptedDestination(target: "globex")
        let (alone, both) = (
            reading.plan(partners: [(Specimen.globex, globex)]),
            reading.plan(partners: [(Specimen.acme, house.destination), (Specimen.globex, globex)])
        )
        _ = try await reading.whileRunning { agent in
            _ = await agent.answer(.hold(partner: Specimen.acme, reason: "tonight")) { _ in true }
            try house.drop("first", "1")
            try await reading.wait { try await house.snapshot().total.waiting == 1 }
            for plan in [alone, both] {
                reading.finds(plan)
                #expect(await answer(agent).hasPrefix("the configuration was read again:"))
                #expect(try await house.snapshot().heldPartners.map(\.code) == ["by-hand"])
            }
            try house.drop("second", "2")
            try await reading.wait { globex.objects.count == 1 }
        }
        #expect(house.destination.calls == [])
    }

    @Test("takes one reload after the other, however they come, and one that comes when it stops is told", .timeLimit(.minutes(20)))
    func manyAtOnce() async throws {
        let reading = Reading(try AgentHouse(.deliver, clock: HurriedClock()))
        let house = reading.house
        let globex = ScriptedDestination(target: "globex")
        _ = try await reading.whileRunning { agent in
            reading.finds(reading.plan(partners: [(Specimen.acme, house.destination), (Specimen.globex, globex)]))
            let answers = await withTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { await answer(agent) } }
                return await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(answers.contains { $0.hasPrefix("the configuration was read again:") })
            #expect(
                answers.allSatisfy {
                    $0.hasPrefix("the configuration was read again:") || $0.contains("somebody else's reload is under way")
                })
            try house.drop("seeds", "seeds")
            try await reading.wait { globex.objects.count == 1 && house.destination.objects.count == 1 }
            agent.stop()
            _ = await answer(agent)
        }
    }

    @Test("is told so when the run ends by itself")
    func notOnce() async throws {
        let house = try AgentHouse(.deliver)
        let agent = try await house.open()
        #expect(await answer(agent).hasPrefix("refused: this run does not read its configuration again"))
        _ = await agent.run(.once(patience: .seconds(60)))
    }
}
