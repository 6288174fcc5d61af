import Foundation
import PouchKit
import Testing

extension Scenarios {
    /// Between two organisations that refuse what AWS refuses.
    @Suite("with a secure inbox", .serialized, .sandbox)
    enum SecureInbox {}
}

extension Scenarios.SecureInbox {
    @Suite("killed at any step, an agent that is started again", .serialized)
    struct CrashTests {
        @Test("delivers every file once and records it once", arguments: CrashPoint.unsealed)
        func deliversOnce(after point: CrashPoint) async throws {
            let inbox = try SecureInboxWorkshop()
            try inbox.workshop.feed(4)
            let killed = try await inbox.workshop.pouch(crashAt: point, count: point.deadlyCount).run("run", "--once")
            #expect(killed.wasKilled, "the process was to die at \(point): \(killed.errors)")
            #expect(try await inbox.judge(isOver: false) == Workshop.Verdict())
            try await inbox.expectEverythingDelivered(4)
        }

        /// The copies are in the inbox, their answers are not: nobody but the inbox knows.
        @Test("after the copies took effect and before it was told so, finds its own objects")
        func killedBeforeTheAnswer() async throws {
            let inbox = try SecureInboxWorkshop()
            try inbox.workshop.feed(4)
            try await inbox.sandbox.spoil(
                "CopyObject", below: inbox.inboxPrefix, #"{"kind":"stall","seconds":60,"afterEffect":true}"#)
            let killed = try await inbox.workshop.pouch().run("run", "--once") { running in
                try await eventually("the copies took effect") { try await inbox.objects().count == 4 }
                running.kill()
            }
            #expect(killed.wasKilled)
            #expect(try inbox.workshop.manifest().isEmpty)
            try await inbox.sandbox.heal()
            try await inbox.expectEverythingDelivered(4)
            #expect(
                try inbox.workshop.manifestEntries().map { $0["confirmation"] as? String }
                    == Array(repeating: "by-question", count: 4))
        }

        @Test("while copies are refused and broken off, delivers once as well")
        func killedAmongFaults() async throws {
            let inbox = try SecureInboxWorkshop()
            try inbox.workshop.feed(6)
            try await inbox.sandbox.spoil("CopyObject", below: inbox.inboxPrefix, #"{"kind":"reset","afterEffect":true}"#, times: 3)
            let killed = try await inbox.workshop.pouch(crashAt: .saved, count: 4).run("run", "--once")
            #expect(killed.wasKilled)
            try await inbox.sandbox.heal()
            try await inbox.expectEverythingDelivered(6)
        }

        @Test("asked to end while the partner does not answer, ends within 10 s, and loses nothing")
        func drains() async throws {
            let inbox = try SecureInboxWorkshop()
            try inbox.workshop.feed(6)
            try await inbox.sandbox.spoil(
                "CopyObject", below: inbox.inboxPrefix, #"{"kind":"stall","seconds":60,"afterEffect":true}"#)
            let times = Stopwatch()
            let ending = try await inbox.workshop.serving { _ in
                try await eventually("a copy took effect") { try await !inbox.objects().isEmpty }
                times.start()
            }
            #expect(times.elapsed < .seconds(10), "it took \(times.elapsed)")
            #expect(!ending.wasKilled)
            try await inbox.sandbox.heal()
            try await inbox.expectEverythingDelivered(6)
        }
    }
}

extension SecureInboxWorkshop {
    func expectEverythingDelivered(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let last = try await workshop.deliverAll()
        #expect(last.status == 0, "\(last.errors)", sourceLocation: sourceLocation)
        #expect(try await judge() == Workshop.Verdict(), sourceLocation: sourceLocation)
        try await workshop.expectRecorded(count, sourceLocation: sourceLocation)
    }
}
