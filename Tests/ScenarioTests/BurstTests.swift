import Foundation
import Testing

extension Scenarios {
    @Suite("a burst of files", .serialized)
    struct BurstTests {
        private static var count: Int { ProcessInfo.processInfo.environment["POUCH_FULL"] == nil ? 20_000 : 100_000 }

        @Test("that came while the agent was stopped is delivered, each file once")
        func whileStopped() async throws {
            let workshop = try Workshop()
            try workshop.feed(Self.count, sizes: 0...64)
            let began = ContinuousClock.now
            #expect(try await workshop.deliverAll().status == 0)
            print("\(Self.count) files that were there, delivered in \(ContinuousClock.now - began)")
            try await workshop.expectEverythingDelivered(Self.count)
        }

        @Test("that comes while the agent runs is delivered, each file once")
        func whileRunning() async throws {
            let workshop = try Workshop()
            let ending = try await workshop.serving { _ in
                let began = ContinuousClock.now
                try workshop.feed(Self.count, prefix: "burst", sizes: 0...64)
                let fed = ContinuousClock.now - began
                try await eventually("everything is delivered", within: .seconds(600), every: .milliseconds(200)) {
                    try FileManager.default.contentsOfDirectory(atPath: workshop.inbox.path).count >= Self.count
                }
                print("\(Self.count) files fed in \(fed), all there after \(ContinuousClock.now - began)")
            }
            #expect(ending.status == 0, "\(ending.errors.suffix(1_000))")
            try await workshop.expectEverythingDelivered(Self.count)
        }
    }
}
