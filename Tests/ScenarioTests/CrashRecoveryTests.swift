import Foundation
import PouchKit
import Testing

extension CrashPoint {
    /// Which time it is reached kills, so that another file is further on already; the manifest is written for many files at once.
    var deadlyCount: Int { self == .recorded ? 1 : 2 }

    /// Those on the way of a file that is not sealed.
    static var unsealed: [CrashPoint] { allCases.filter { $0 != .sealing && $0 != .sealed } }
}

extension Scenarios {
    /// The crash rule: kill after any step of a file's way, restart; one object at the partner, one line in the manifest, no file lost,
    /// nothing in a claim root that is not accounted for.
    @Suite("killed at any step, an agent that is started again", .serialized)
    struct CrashRecoveryTests {
        @Test("delivers every file once and records it once", arguments: CrashPoint.unsealed)
        func deliversOnce(after point: CrashPoint) async throws {
            let workshop = try Workshop()
            try workshop.feed(5)
            let killed = try await workshop.pouch(crashAt: point, count: point.deadlyCount).run("run", "--once")
            #expect(killed.wasKilled, "the process was to die at \(point): \(killed.errors)")
            #expect(try workshop.judge(isOver: false) == Workshop.Verdict())
            try await workshop.expectEverythingDelivered(5)
        }

        @Test(
            "delivers once even when it is killed again while it recovers",
            arguments: [CrashPoint.claimed, .begun, .saved, .delivered, .completed, .disposed])
        func survivesASecondKill(at point: CrashPoint) async throws {
            let workshop = try Workshop(watch: "then: { archive: ./archive }")
            try workshop.feed(4)
            for _ in 0..<3 {
                let killed = try await workshop.pouch(crashAt: point).run("run", "--once")
                if !killed.wasKilled { break }
                #expect(try workshop.judge(isOver: false) == Workshop.Verdict())
            }
            try await workshop.expectEverythingDelivered(4)
            #expect(workshop.files("archive").count == 4)
        }
    }

    @Suite("killed at random moments", .serialized)
    struct RandomKillTests {
        /// The pause before each kill is the experiment, not a wait for something to become true.
        @Test("2,000 files arrive once each")
        func survivesRandomKills() async throws {
            let kills = ProcessInfo.processInfo.environment["POUCH_FULL"] == nil ? 60 : 300
            let workshop = try Workshop()
            var (runs, killed, fed) = (0, 0, 0)
            // Fed in portions: a run that had nothing left to do would be no victim.
            while killed < kills, runs < kills * 3 {
                let portion = min(2_000 / kills, 2_000 - fed)
                try workshop.feed(portion, prefix: "portion-\(runs)")
                fed += portion
                let ending = try await workshop.pouch().run("run", "--log-level", "error") { running in
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 20...400)))
                    running.kill()
                }
                runs += 1
                if ending.wasKilled { killed += 1 }
                if runs.isMultiple(of: 10) { #expect(try workshop.judge(isOver: false) == Workshop.Verdict()) }
            }
            if fed < 2_000 { try workshop.feed(2_000 - fed, prefix: "last") }
            #expect(killed >= kills)
            try await workshop.expectEverythingDelivered(2_000)
            print("killed \(killed) of \(runs) runs")
        }
    }
}

extension Workshop {
    /// Runs the agent to the end; then everything that was dropped is there once, and recorded once, and nothing is left.
    func expectEverythingDelivered(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let last = try await deliverAll()
        #expect(last.status == 0, "\(last.errors)", sourceLocation: sourceLocation)
        #expect(try judge() == Verdict(), sourceLocation: sourceLocation)
        try await expectRecorded(count, sourceLocation: sourceLocation)
    }

    /// One good line in the manifest for each file, and nothing left over.
    func expectRecorded(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(leftovers() == [], sourceLocation: sourceLocation)
        let deliveries = try manifestDeliveries()
        #expect(deliveries.count == count, sourceLocation: sourceLocation)
        #expect(Set(deliveries).count == count, sourceLocation: sourceLocation)
        let verified = try await pouch().run("manifest", "verify")
        #expect(verified.status == 0, "\(verified.errors)", sourceLocation: sourceLocation)
        #expect(try await statusCount("unaccounted") == 0, sourceLocation: sourceLocation)
    }
}
