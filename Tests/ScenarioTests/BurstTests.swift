import Foundation
import Testing

@Suite("a burst of files")
struct BurstTests {
    private static var count: Int { ProcessInfo.processInfo.environment["POUCH_FULL"] == nil ? 20_000 : 100_000 }

    @Test("that came while the agent was stopped is delivered, each file once")
    func whileStopped() async throws {
        let workshop = try Workshop()
        try workshop.feed(Self.count, sizes: 0...64)
        let ending = try await workshop.pouch().run("run", "--once", "--log-level", "error")
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(try workshop.judge() == Workshop.Verdict())
        #expect(try workshop.leftovers() == [])
    }

    @Test("that comes while the agent runs is delivered, each file once")
    func whileRunning() async throws {
        let workshop = try Workshop()
        let pouch = workshop.pouch()
        async let service = pouch.run("run", "--log-level", "error") { _ in }
        try workshop.feed(Self.count, prefix: "burst", sizes: 0...64)
        // The second agent waits for the lock of the first; here the first is stopped, and what is left goes out with the last run.
        _ = try await stop(service: { try await service }, in: workshop)
        let last = try await workshop.pouch().run("run", "--once", "--log-level", "error")
        #expect(last.status == 0, "\(last.errors)")
        #expect(try workshop.judge() == Workshop.Verdict())
        #expect(try workshop.leftovers() == [])
    }

    /// Asks the running agent to end, by the process id in its lock.
    private func stop(service: () async throws -> PouchProcess.Ending, in workshop: Workshop) async throws -> PouchProcess.Ending {
        let lock = workshop.folder.appendingPathComponent("state/lock")
        let holder = try String(contentsOf: lock, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        if let identifier = Int32(holder) { kill(identifier, SIGTERM) }
        return try await service()
    }
}
