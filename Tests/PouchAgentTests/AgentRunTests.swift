import Foundation
import PouchAgent
import PouchConfiguration
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest
import PouchRouting
import PouchTestSupport
import Testing

@Suite("a run of the agent")
struct AgentRunTests {
    @Test("delivers what lies in the folder, puts it away, and records it")
    func delivers() async throws {
        let house = try AgentHouse(.deliver)
        try house.drop("empty", "")
        try house.drop("reports/2026/über uns.csv", "a,b\n")
        try house.drop("seeds.csv", "seeds")
        let ending = try await house.runOnce()
        #expect(ending.isComplete)
        #expect(ending.summary == "3 delivered, nothing left to do")
        #expect(house.destination.objects == ["empty": "", "reports/2026/über uns.csv": "a,b\n", "seeds.csv": "seeds"])
        #expect(try house.files(in: "drop") == [])
        #expect(try house.files(in: "archive") == ["empty", "reports/2026/über uns.csv", "seeds.csv"])
        #expect(try house.files(in: "state/claims") == [])
        let entries = try await house.manifest()
        #expect(entries.map(\.sequence) == [1, 2, 3])
        #expect(Set(entries.map(\.outcome)) == [.delivered])
        #expect(Set(entries.map(\.key)) == ["empty", "reports/2026/über uns.csv", "seeds.csv"])
        let seeds = try #require(entries.first { $0.key == "seeds.csv" })
        #expect(seeds.file.sha256 == SeenObject(Array("seeds".utf8)).sha256)
        #expect(seeds.file.folder == house.drops)
        #expect(seeds.location == "memory://seeds.csv")
        #expect(seeds.attempts == 1)
        #expect(seeds.stages.map(\.stage) == [.place])
        let total = try await house.snapshot().total
        #expect((total.admitted, total.delivered, total.onTheWay, total.unaccounted) == (3, 3, 0, 0))
        #expect(try house.alerts() == [])
    }

    @Test("ends at once when there is nothing to do")
    func endsAtOnce() async throws {
        let ending = try await AgentHouse(.deliver).runOnce()
        #expect(ending.isComplete)
        #expect(ending.summary == "0 delivered, nothing left to do")
    }

    @Test("makes a drop folder that is not there")
    func makesFolder() async throws {
        let house = try AgentHouse(.deliver)
        try house.folder.handle().removeFolder(Array("drop".utf8))
        #expect(try await house.runOnce().isComplete)
        #expect(house.folder.exists("drop"))
    }

    @Test("tries again what may work later, from the checkpoint that was saved")
    func retries() async throws {
        let house = try AgentHouse(
            .refuse(.retry, code: "SlowDown"), .breakOff(.retry, code: "InternalError"), clock: HurriedClock())
        try house.drop("seeds.csv", "seeds")
        #expect(try await house.runOnce().isComplete)
        let calls = house.destination.calls
        #expect(calls.map(\.attempt) == [1, 2, 3])
        #expect(Set(calls.map(\.delivery)).count == 1)
        #expect(calls.map { $0.checkpoint?.payload } == [nil, nil, Array("half-way".utf8)])
        let entries = try await house.manifest()
        #expect(entries.map(\.attempts) == [3])
        let story = try #require(try await house.stories(of: "seeds.csv").first)
        #expect(story.events.filter { $0.kind == .failed }.count == 2)
        #expect(story.summary.state == .delivered)
    }

    @Test("gives up waiting for a retry when its patience is over, and says what waits")
    func losesPatience() async throws {
        let house = try AgentHouse(.refuse(.retry(after: .seconds(3_000)), code: "SlowDown"), clock: HurriedClock())
        try house.drop("seeds.csv", "seeds")
        let ending = try await house.runOnce(patience: .seconds(150))
        #expect(!ending.isComplete)
        #expect(ending.summary == "0 delivered, 1 waiting")
        #expect(try await house.snapshot().total.waiting == 1)
        #expect(try house.files(in: "archive") == [])
    }

    @Test("gives a file to every partner, and puts it away after the last")
    func fansOut() async throws {
        let house = try AgentHouse(
            [
                (Specimen.acme, ScriptedDestination()),
                (Specimen.globex, ScriptedDestination([.refuse(.retry, code: "SlowDown")])),
            ],
            clock: HurriedClock()
        )
        try house.drop("seeds.csv", "seeds")
        let ending = try await house.runOnce()
        #expect(ending.isComplete)
        #expect(ending.delivered == 2)
        #expect(house.partners.map(\.destination.objects) == [["seeds.csv": "seeds"], ["seeds.csv": "seeds"]])
        #expect(try house.files(in: "archive") == ["seeds.csv"])
        #expect(Set(try await house.manifest().map(\.partner)) == [Specimen.acme, Specimen.globex])
    }

    @Test("records a delivery that another publisher finishes as handed over")
    func handsOver() async throws {
        let house = try AgentHouse(.handOver)
        try house.drop("seeds.csv", "seeds")
        #expect(try await house.runOnce().isComplete)
        #expect(try await house.manifest().map(\.outcome) == [.handedOver])
        #expect(try house.files(in: "archive") == ["seeds.csv"])
    }

    @Test("takes a claimed file that was written to afresh, and delivers what it is in the end")
    func retakesChangedSource() async throws {
        let house = try AgentHouse(.rewriteSource("the second edition"), clock: HurriedClock())
        try house.drop("seeds.csv", "first")
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.objects == ["seeds.csv": "the second edition"])
        let entry = try #require(try await house.manifest().first)
        #expect(entry.file.sha256 == SeenObject(Array("the second edition".utf8)).sha256)
        #expect(entry.file.size == 18)
        #expect(try await house.stories(of: "seeds.csv").first?.events.contains { $0.kind == .sourceChanged } == true)
    }

    @Test("quarantines a claimed file that reads otherwise than before though nobody wrote to it: rotten bytes go to nobody")
    func quarantinesRottenSource() async throws {
        let house = try AgentHouse(.refuse(.sourceChanged, code: "source-changed"))
        try house.drop("seeds.csv", "seeds")
        #expect(try await house.runOnce().summary == "0 delivered, 1 quarantined")
        #expect(house.destination.objects == [:])
        #expect(try await house.manifest().first?.reason?.code == "source-rotten")
        #expect(try house.alerts().map(\.code) == ["source-rotten"])
    }

    @Test("deletes what is delivered where the folder says so")
    func deletes() async throws {
        let house = try AgentHouse(.deliver, then: .delete)
        try house.drop("a/b/seeds.csv", "seeds")
        #expect(try await house.runOnce().isComplete)
        #expect(try house.files(in: "drop") + house.files(in: "state/claims") + house.files(in: "archive") == [])
    }

    @Test("never touches a file that is to be kept, and delivers it once until it changes")
    func keeps() async throws {
        let house = try AgentHouse(.deliver, then: .keep)
        try house.drop("seeds.csv", "seeds")
        #expect(try await house.runOnce().delivered == 1)
        #expect(try house.folder.text("drop/seeds.csv") == "seeds")
        try await house.runOnce()
        #expect(house.destination.calls.count == 1, "it is known")
        try Rewriting.rewrite(house.folder.path("drop/seeds.csv"), as: "more seeds")
        try await house.runOnce()
        #expect(house.destination.objects == ["seeds.csv": "more seeds"])
        #expect(try await house.manifest().count == 2)
    }

    @Test("abandons the checkpoint of a target that the partner has no more, and begins again")
    func abandonsForeignCheckpoints() async throws {
        let house = try AgentHouse(.breakOff(.hold, code: "AccessDenied"))
        try house.drop("seeds.csv", "seeds")
        try await house.runOnce()
        let moved = ScriptedDestination(target: "elsewhere")
        let agent = try await Agent.open(
            plan: AgentPlan(
                name: "edge-test", state: house.state, folders: [], router: Router(rules: []),
                partners: [PartnerPlan(name: Specimen.acme, destination: moved, limits: TransferBudget.Limits())],
                unmatched: .hold
            ),
            clock: SystemClock(),
            logger: Silence.logger
        )
        _ = await agent.answer(.release(partner: Specimen.acme)) { _ in true }
        _ = await agent.run(.once(patience: .seconds(60)))
        #expect(moved.calls.map(\.checkpoint) == [nil])
        #expect(moved.abandoned.map(\.target) == [TargetFingerprint("memory")])
        #expect(moved.objects == ["seeds.csv": "seeds"])
    }
}

@Suite("what needs a person")
struct AgentStandstillTests {
    @Test("is not waited for: a person who releases a partner that was not held sends what waits for a later time")
    func triesNow() async throws {
        let house = try AgentHouse(.refuse(.retry(after: .seconds(3_600)), code: "ServiceUnavailable"))
        try house.drop("a.csv", "a")
        // Without patience a run may end before its attempt does.
        repeat { #expect(try await house.runOnce(patience: .zero).onTheWay == 1) } while try await !house.isPutOff("a.csv")
        let offline = OfflineAgent(plan: house.plan)
        let answer = try await offline.answer(.release(partner: Specimen.acme))
        #expect(answer == .done(text: "acme was not held; 1 that waited for a later time are tried now"))
        #expect(try await !house.isPutOff("a.csv"))
    }

    @Test("or time is told once for a partner that does not answer, and every file of it waits for the next probe at most")
    func unreachable() async throws {
        let refusals = Array(repeating: ScriptedDestination.Answer.refuse(.retry, code: "ServiceUnavailable"), count: 9)
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination(refusals))], clock: HurriedClock())
        for name in ["a", "b", "c"] { try house.drop(name, name) }
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.objects.count == 3)
        #expect(try house.alerts().map(\.kind) == [.unreachable])
    }

    @Test("is not what a shortage of our own is: no partner is told not to answer for it")
    func shortage() async throws {
        let refusals = Array(repeating: ScriptedDestination.Answer.refuse(.retry, code: "EMFILE"), count: 9)
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination(refusals))], clock: HurriedClock())
        for name in ["a", "b", "c"] { try house.drop(name, name) }
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.objects.count == 3)
        #expect(try house.alerts().isEmpty)
    }

    @Test("holds the partner when a person must act there: the hold is recorded, told once, and survives a restart")
    func holds() async throws {
        let house = try AgentHouse(.refuse(.hold, code: "AccessDenied"))
        try house.drop("a.csv", "a")
        let ending = try await house.runOnce()
        #expect(!ending.isComplete)
        #expect(ending.held == 1)
        #expect(ending.summary == "0 delivered, 1 held")
        let snapshot = try await house.snapshot()
        #expect(snapshot.heldPartners.map(\.partner) == [Specimen.acme])
        #expect(snapshot.heldPartners.map(\.code) == ["AccessDenied"])
        #expect(snapshot.held.map(\.failure?.cause) == ["AccessDenied (400)"])
        let alerts = try house.alerts()
        #expect(alerts.map(\.kind) == [.held])
        #expect(alerts.map(\.subject) == ["acme"])
        #expect(alerts.first?.text.contains("could not put the file into memory: AccessDenied (400)") == true)

        try house.drop("b.csv", "b")
        let second = try await house.runOnce()
        #expect((second.held, second.onTheWay) == (1, 1), "the second waits behind the hold")
        #expect(house.destination.calls.count == 1)
        #expect(try await house.manifest() == [], "nothing has ended")
    }

    @Test("goes on after a release, under the same ids")
    func releases() async throws {
        let house = try AgentHouse(.refuse(.hold, code: "AccessDenied"))
        try house.drop("a.csv", "a")
        try await house.runOnce()
        let ending = try await house.runOnce(asking: .release(partner: Specimen.acme))
        #expect(ending.isComplete)
        #expect(Set(house.destination.calls.map(\.delivery)).count == 1)
        #expect(try await house.snapshot().heldPartners == [])
        #expect(try await house.manifest().map(\.outcome) == [.delivered])
    }

    @Test("holds a partner by hand, with the reason, and tells nobody what they know")
    func holdsByHand() async throws {
        let house = try AgentHouse(.deliver)
        try house.drop("a.csv", "a")
        let ending = try await house.runOnce(asking: .hold(partner: Specimen.acme, reason: "acme moves tonight"))
        #expect(ending.summary == "0 delivered, 1 waiting")
        #expect(try await house.snapshot().heldPartners.map(\.reason) == ["acme moves tonight"])
        #expect(try house.alerts() == [])
    }

    @Test("quarantines a file that can never be delivered, with the reason beside it and a line in the manifest")
    func quarantines() async throws {
        let house = try AgentHouse(.breakOff(.quarantine, code: "KeyTooLong"))
        try house.drop("deep/a.csv", "a")
        try house.drop("b.csv", "b")
        let ending = try await house.runOnce()
        #expect(ending.summary == "1 delivered, 1 quarantined")
        let entries = try await house.manifest()
        let line = try #require(entries.first { $0.outcome == .quarantined })
        #expect(line.reason?.code == "KeyTooLong")
        #expect(line.reason?.text.contains("KeyTooLong (400)") == true)
        #expect(line.location == nil)
        let files = try house.files(in: "state/quarantine")
        #expect(files.count == 2)
        #expect(files.contains { $0.hasSuffix("/" + line.file.path.description) })
        let reason = try #require(files.first { $0.hasSuffix(".reason.json") })
        let note = try JSONDecoder().decode([String: String].self, from: Data(try house.folder.read("state/quarantine/" + reason)))
        #expect(note["path"] == line.file.path.description)
        #expect(note["folder"] == house.drops)
        #expect(try house.alerts().map(\.kind) == [.quarantined])
        #expect(try house.files(in: "archive").count == 1)
    }

    @Test("makes a new delivery of a quarantined one when it is tried again, and puts the file away as if nothing had been")
    func retriesQuarantined() async throws {
        let house = try AgentHouse(.refuse(.quarantine, code: "KeyTooLong"))
        try house.drop("a.csv", "a")
        try await house.runOnce()
        let old = try #require(try await house.manifest().first?.delivery)
        let ending = try await house.runOnce(asking: .retry(delivery: old.shortForm))
        #expect(ending.isComplete)
        let entries = try await house.manifest()
        #expect(entries.map(\.outcome) == [.quarantined, .delivered])
        #expect(entries.last?.retries == old)
        #expect(entries.last?.delivery != old)
        #expect(try house.files(in: "archive") == ["a.csv"])
        #expect(try house.files(in: "state/quarantine") == [])
        let total = try await house.snapshot().total
        #expect((total.delivered, total.quarantined, total.retried, total.unaccounted) == (1, 1, 1, 0))
    }

    @Test("does not give a file to the archive when one of its partners could not have it")
    func quarantinesForOne() async throws {
        let house = try AgentHouse([
            (Specimen.acme, ScriptedDestination()),
            (Specimen.globex, ScriptedDestination([.refuse(.quarantine, code: "NotWanted")])),
        ])
        try house.drop("a.csv", "a")
        #expect(try await house.runOnce().summary == "1 delivered, 1 quarantined")
        #expect(try house.files(in: "archive") == [])
        #expect(try house.files(in: "state/quarantine").count == 2)
    }

    @Test("holds a file alone that is too large for the destination; the others go on")
    func holdsTooLarge() async throws {
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination(largestFile: 4))])
        try house.drop("large.bin", "12345")
        try house.drop("small.bin", "1234")
        #expect(try await house.runOnce().summary == "1 delivered, 1 held")
        #expect(house.destination.objects == ["small.bin": "1234"])
        let snapshot = try await house.snapshot()
        #expect(snapshot.heldPartners == [])
        #expect(snapshot.held.map(\.failure?.code) == ["too-large"])
        #expect(try house.alerts().map(\.code) == ["too-large"])
    }

    @Test("leaves what no route takes where it lies, counts it and tells it")
    func holdsUnmatched() async throws {
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination())], path: PathPattern("*.csv"))
        try house.drop("notes.txt", "notes")
        try house.drop("a.csv", "a")
        let ending = try await house.runOnce()
        #expect(ending.summary == "1 delivered, 1 unmatched")
        #expect(try house.files(in: "drop") == ["notes.txt"])
        #expect(try house.alerts().map(\.kind) == [.unmatched])
    }

    @Test("leaves what no route takes in peace where that is wanted")
    func ignoresUnmatched() async throws {
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination())], unmatched: .ignore, path: PathPattern("*.csv"))
        try house.drop("notes.txt", "notes")
        #expect(try await house.runOnce().isComplete)
        #expect(try house.files(in: "drop") == ["notes.txt"])
        #expect(try house.alerts() == [])
    }

    @Test("puts what no route takes into the quarantine where that is wanted")
    func quarantinesUnmatched() async throws {
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination())], unmatched: .quarantine, path: PathPattern("*.csv"))
        try house.drop("notes.txt", "notes")
        #expect(try await house.runOnce().summary == "0 delivered, 1 unmatched")
        #expect(try house.files(in: "drop") == [])
        #expect(try house.files(in: "state/quarantine").count == 2)
    }
}
