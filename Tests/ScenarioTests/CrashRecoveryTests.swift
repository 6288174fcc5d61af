import Foundation
import PouchKit
import Testing

/// The crash rule: kill after any step of a file's way, restart; one object at the partner, one line in the manifest, no file lost,
/// nothing in a claim root that is not accounted for.
@Suite("killed at any step, an agent that is started again")
struct CrashRecoveryTests {
    @Test("delivers every file once and records it once", arguments: CrashPoint.allCases)
    func deliversOnce(after point: CrashPoint) async throws {
        let workshop = try Workshop()
        try workshop.feed(5)
        let killed = try await workshop.pouch(crashAt: point, count: 2).run("run", "--once")
        #expect(killed.wasKilled, "the process was to die at \(point): \(killed.errors)")
        #expect(try workshop.judge(isOver: false) == Workshop.Verdict())

        let restarted = try await workshop.pouch().run("run", "--once")
        #expect(restarted.status == 0, "\(restarted.errors)")
        #expect(try workshop.judge() == Workshop.Verdict())
        #expect(try workshop.leftovers() == [])
        let deliveries = try workshop.manifestDeliveries()
        #expect(deliveries.count == 5)
        #expect(Set(deliveries).count == 5)
        let verified = try await workshop.pouch().run("manifest", "verify")
        #expect(verified.status == 0, "\(verified.errors)")
    }

    @Test(
        "delivers once even when it is killed again while it recovers",
        arguments: [CrashPoint.claimed, .saved, .delivered, .completed])
    func survivesASecondKill(at point: CrashPoint) async throws {
        let workshop = try Workshop(then: "{ archive: ./archive }")
        try workshop.feed(4)
        for _ in 0..<3 {
            let killed = try await workshop.pouch(crashAt: point).run("run", "--once")
            if !killed.wasKilled { break }
            #expect(try workshop.judge(isOver: false) == Workshop.Verdict())
        }
        let restarted = try await workshop.pouch().run("run", "--once")
        #expect(restarted.status == 0, "\(restarted.errors)")
        #expect(try workshop.judge() == Workshop.Verdict())
        #expect(try workshop.leftovers() == [])
        let archived = try FileManager.default.contentsOfDirectory(atPath: workshop.folder.appendingPathComponent("archive").path)
        #expect(archived.count == 4)
    }
}

@Suite("killed at random moments")
struct RandomKillTests {
    /// The pause before each kill is the experiment, not a wait for something to become true.
    @Test("2,000 files arrive once each")
    func survivesRandomKills() async throws {
        let kills = ProcessInfo.processInfo.environment["POUCH_FULL"] == nil ? 60 : 300
        let workshop = try Workshop()
        try workshop.feed(2_000)
        var killed = 0
        for round in 0..<kills {
            let ending = try await workshop.pouch().run(["run", "--once", "--log-level", "error"]) { running in
                // Long enough to be past the start now and then, short enough never to be done before the last rounds.
                try? await Task.sleep(for: .milliseconds(Int.random(in: 20...(120 + round * 2))))
                running.kill()
            }
            if ending.wasKilled { killed += 1 }
        }
        #expect(try workshop.judge(isOver: false) == Workshop.Verdict())
        let last = try await workshop.pouch().run("run", "--once", "--log-level", "error")
        #expect(last.status == 0, "\(last.errors)")
        #expect(try workshop.judge() == Workshop.Verdict())
        #expect(try workshop.leftovers() == [])
        #expect(Set(try workshop.manifestDeliveries()).count == 2_000)
        #expect(try workshop.manifestDeliveries().count == 2_000)
        print("killed \(killed) of \(kills) runs")
    }
}
