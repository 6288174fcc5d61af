import Foundation
import Testing

extension Scenarios {
    /// Between two organisations, with the publisher as a service of its own.
    @Suite("with publishers of their own", .serialized)
    enum Publishing {}
}

extension Scenarios.Publishing {
    @Suite("publishers that are started side by side", .serialized)
    struct CrowdTests {
        private static let count = ProcessInfo.processInfo.environment["POUCH_FULL"] == "1" ? 20_000 : 1_000

        /// Each event comes about once, every twentieth twice, and each publisher is killed while it works.
        @Test(
            "publish every consignment once, though each is killed in turn; dead letters are exactly the poisoned ones",
            .publisherGround)
        func everyObjectOnce() async throws {
            let hall = try PublisherHall()
            try await hall.inbox.sandbox.duplicateMessages(every: 20, of: "pouch-events")
            try hall.inbox.workshop.feed(Self.count, sizes: 0...64)
            let stored = try await hall.inbox.workshop.deliverAll()
            #expect(stored.status == 0, "\(stored.errors)")
            let poison = try hall.poison()
            for message in poison { try await hall.inbox.sandbox.send(message, to: "pouch-events") }

            let times = Stopwatch()
            times.start()
            try await withThrowingTaskGroup(of: PouchProcess.Ending.self) { group in
                var crowd: [Running] = []
                for _ in 0..<4 { crowd.append(await hall.start(in: &group)) }
                // Each is killed in turn, and another one takes its place.
                for index in 0..<4 {
                    try await hall.reach(Self.count * (index + 1) / 6)
                    crowd[index].kill()
                    crowd.append(await hall.start(in: &group))
                }
                try await hall.reach(Self.count)
                let copying = times.elapsed
                try await eventually("the queue is empty", within: .seconds(120)) {
                    try await hall.inbox.sandbox.queue("pouch-events").isEmpty
                }
                for running in crowd.dropFirst(4) { running.terminate() }
                var killed = 0
                for try await ending in group {
                    killed += ending.wasKilled ? 1 : 0
                    #expect(ending.wasKilled || ending.status == 0, "\(ending.errors.suffix(2_000))")
                }
                #expect(killed == 4)
                print(
                    "\(Self.count) events published in \(copying), \(Self.rate(Self.count, copying)) copies/s with 4 publishers, each killed; "
                        + "the queue empty after \(times.elapsed), \(poison.count) dead letters")
            }

            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            let dead = try await hall.inbox.sandbox.queue("pouch-dead").messages ?? []
            #expect(Set(dead) == Set(poison))
            let receipts = try await hall.receipts()
            #expect(receipts.count == Self.count)
            #expect(Set(receipts.map(\.key)).count == Self.count)
        }

        private static func rate(_ count: Int, _ time: Duration) -> Int {
            Int(Double(count) / (Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18))
        }
    }

    @Suite("a publisher", .serialized)
    struct PublisherTests {
        private static let segments = 7

        @Test(
            "killed between parts, leaves the rest to the next one: no segment is copied twice, and there is one object",
            .publisherGround)
        func goesOnWithParts() async throws {
            let hall = try PublisherHall(storing: "segments-above: 5 MiB")
            try hall.inbox.workshop.putLarge((Self.segments - 1) * (5 << 20) + 17, as: "large.bin")
            #expect(try await hall.inbox.workshop.deliverAll().status == 0)
            let sandbox = hall.inbox.sandbox
            let count = { @Sendable (action: String) in
                try sandbox.requests().count {
                    $0.action == action && $0.status == 200 && $0.key?.hasPrefix(hall.inbox.inboxPrefix) == true
                }
            }
            // The fourth part and those after it get no answer as long as this publisher lives.
            try await sandbox.spoil(
                "UploadPartCopy", below: hall.inbox.inboxPrefix, #"{"kind":"stall","seconds":3600}"#, from: 4)
            let killed = try await hall.publisher.run("publish", "--log-level", "warning") { running in
                try await eventually("three parts lie there") { try count("UploadPartCopy") == 3 }
                running.kill()
            }
            #expect(killed.wasKilled)
            try await sandbox.heal()
            let ending = try await hall.publisher.serve("publish", "--log-level", "warning") { _ in
                try await eventually("the next one is done", within: .seconds(60)) {
                    try await hall.pendingEvents().isEmpty
                }
            }
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            #expect(try await hall.receipts().count == 1)
            #expect(try count("UploadPartCopy") == Self.segments)
            #expect(try count("CreateMultipartUpload") == 1)
            #expect(try count("ListParts") == 1)
        }

        @Test("finds by itself what no event told of, publishes it, and leaves the rest alone the next time", .publisherGround)
        func reconciles() async throws {
            let hall = try PublisherHall()
            try hall.inbox.workshop.feed(5)
            #expect(try await hall.inbox.workshop.deliverAll().status == 0)
            let first = try await hall.publisher.run("publish", "--reconcile")
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("5 published, 0 postponed, 0 refused"))
            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            let before = try hall.inbox.sandbox.requests().count { $0.action == "CopyObject" }
            let second = try await hall.publisher.run("publish", "--reconcile")
            #expect(second.output.contains("0 published, 0 postponed, 0 refused"))
            #expect(try hall.inbox.sandbox.requests().count { $0.action == "CopyObject" } == before)
            // The agent reads what became of them.
            #expect(try await hall.inbox.workshop.deliverAll().status == 0)
            let entries = try hall.inbox.workshop.manifestEntries()
            let outcomes = Dictionary(grouping: entries) { $0["delivery"] as? String ?? "" }
                .mapValues { $0.compactMap { $0["outcome"] as? String } }
            #expect(outcomes.count == 5)
            #expect(outcomes.values.allSatisfy { $0 == ["handed-over", "delivered"] })
            #expect(try await hall.inbox.workshop.pouch().run("manifest", "verify").status == 0)
            // The events that came meanwhile find everything done.
            let third = try await hall.publisher.run("publish", "--once")
            #expect(third.status == 0, "\(third.errors)")
            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            #expect(try await hall.pendingEvents().isEmpty)
        }

        @Test("that may not ask the inbox does not guess, and says what it needs", .publisherGround)
        func cannotAsk() async throws {
            let hall = try PublisherHall()
            try hall.inbox.workshop.feed(1)
            #expect(try await hall.inbox.workshop.deliverAll().status == 0)
            #expect(try await hall.publisher.run("publish", "--once").status == 0)
            let event = try #require(try await hall.event())
            try await hall.inbox.sandbox.send(event, to: "pouch-events")
            // Neither the receipt nor the inbox tells that it is done.
            for prefix in [hall.inbox.inboxPrefix, hall.inbox.repositoryPrefix + ".pouch-receipts/"] {
                try await hall.inbox.sandbox.spoil(
                    "HeadObject", below: prefix, #"{"kind":"error","code":"AccessDenied","status":403}"#)
            }
            let refused = try await hall.publisher.run("publish", "--once")
            try await hall.inbox.sandbox.heal()
            #expect(refused.status == 1)
            #expect(refused.errors.contains("inbox-not-askable"))
            #expect(refused.errors.contains("s3:GetObject"))
            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            try await hall.inbox.sandbox.empty("pouch-events")
        }

        @Test("that is asked to end finishes what it copies, and ends with 0", .publisherGround)
        func drains() async throws {
            let hall = try PublisherHall()
            try hall.inbox.workshop.feed(3)
            #expect(try await hall.inbox.workshop.deliverAll().status == 0)
            try await hall.inbox.sandbox.spoil(
                "CopyObject", below: hall.inbox.inboxPrefix, #"{"kind":"stall","seconds":2,"afterEffect":true}"#)
            let ending = try await hall.publisher.serve("publish") { _ in
                try await eventually("a copy took effect") { try await !hall.inbox.objects().isEmpty }
            }
            try await hall.inbox.sandbox.heal()
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            #expect(try await hall.pendingEvents().isEmpty)
        }
    }
}
