import Foundation
import Testing

extension Scenarios {
    @Suite("a large file in segments", .serialized, .sandboxForLargeFiles)
    struct LargeFileTests {
        private static let isFull = ProcessInfo.processInfo.environment["POUCH_FULL"] != nil
        private static let segment = 5 << 20
        /// 64 segments; in full 4 GiB of 820.
        private static let size = isFull ? 4 << 30 : 64 * segment - 17

        /// The pause before each kill is the experiment, not a wait for something to become true.
        @Test("killed at random moments is stored once but for what was in flight, and is one object in the inbox")
        func survivesRandomKills() async throws {
            let inbox = try SecureInboxWorkshop(storing: "upload: sealed, segments-above: 5 MiB")
            try inbox.workshop.putLarge(Self.size, as: "large.bin")
            let before = try inbox.sandbox.requests().count
            let most = Self.isFull ? 12 : 4
            var kills = 0
            while kills < most {
                let ending = try await inbox.workshop.pouch().run("run", "--once", "--log-level", "error") { running in
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 300...2_500)))
                    running.kill()
                }
                guard ending.wasKilled else { break }
                kills += 1
                #expect(try await inbox.judge(isOver: false) == Workshop.Verdict())
            }
            try await inbox.expectEverythingDelivered(1)
            let requests = try inbox.sandbox.requests().dropFirst(before)
            let puts = requests.filter { $0.action == "PutObject" && $0.status == 200 }
            let bytes = puts.reduce(0) { $0 + Int($1.bytesIn) }
            let inFlight = 8 * Self.segment
            // The index, too, may be stored again.
            #expect(bytes <= Self.size + kills * (inFlight + 100_000) + 100_000, "\(bytes) bytes stored, \(kills) kills")
            let generator = requests.filter { $0.caller?.contains("/generator/") == true && $0.service == "s3" }
            #expect(generator.allSatisfy { $0.action == "PutObject" && $0.kms.allSatisfy { $0.action == "kms:GenerateDataKey" } })
            let object = try #require(try await inbox.objects().first)
            #expect(object.size == Int64(Self.size))
            print("\(kills) kills, \(bytes) bytes stored of a file of \(Self.size)")
        }
    }
}
