import Foundation
import PouchKit
import Synchronization
import Testing

extension Scenarios {
    /// Between two organisations, with the publisher as a service of its own.
    @Suite("with publishers of their own", .serialized, .sandbox)
    enum Publishing {}
}

extension Scenarios.Publishing {
    @Suite("publishers that are started side by side", .serialized)
    struct CrowdTests {
        private static let count = ProcessInfo.processInfo.environment["POUCH_FULL"] == "1" ? 20_000 : 1_000

        /// Each event comes about once, every twentieth twice, and each publisher is killed while it works.
        @Test("publish every consignment once, though each is killed in turn; dead letters are exactly the poisoned ones")
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
                print(
                    "published \(Self.count) in \(times.elapsed): \(Self.rate(Self.count, times.elapsed)) copies/s with 4 publishers"
                )
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
        @Test("finds by itself what no event told of, publishes it, and leaves the rest alone the next time")
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
            #expect(try await hall.inbox.sandbox.queue("pouch-events").isEmpty)
        }

        @Test("that may not ask the inbox does not guess, and says what it needs")
        func cannotAsk() async throws {
            let hall = try PublisherHall()
            try hall.inbox.workshop.feed(1)
            #expect(try await hall.inbox.workshop.deliverAll().status == 0)
            #expect(try await hall.publisher.run("publish", "--once").status == 0)
            let event = try #require(try await hall.event())
            try await hall.inbox.sandbox.send(event, to: "pouch-events")
            try await hall.inbox.sandbox.spoil(
                "HeadObject", below: hall.inbox.inboxPrefix, #"{"kind":"error","code":"AccessDenied","status":403}"#)
            let refused = try await hall.publisher.run("publish", "--once")
            try await hall.inbox.sandbox.heal()
            #expect(refused.status == 1)
            #expect(refused.errors.contains("inbox-not-askable"))
            #expect(refused.errors.contains("s3:GetObject"))
            #expect(try await hall.inbox.judge() == Workshop.Verdict())
            try await hall.inbox.sandbox.empty("pouch-events")
        }

        @Test("that is asked to end finishes what it copies, and ends with 0")
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
            #expect(try await hall.inbox.sandbox.queue("pouch-events").isEmpty)
        }
    }
}

/// An edge that stores and does not publish, and a host whose configuration only publishes.
private struct PublisherHall: Sendable {
    let inbox: SecureInboxWorkshop
    let publisher: PouchProcess

    init() throws {
        inbox = try SecureInboxWorkshop(delivery: "publish: elsewhere, receipts: { as: generator }")
        let folder = inbox.workshop.folder.appendingPathComponent("publisher")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let configuration = """
            agent: { name: publisher-01, state: ./state }
            publish: { queue: "\(inbox.sandbox.endpoint)/111111111111/pouch-events", region: eu-west-1, as: publisher, visibility: 10s, reconcile: never }
            partners:
              \(inbox.partner(inboxPrefix: inbox.inboxPrefix))
            \(inbox.services)
            """
        let path = folder.appendingPathComponent("agent.yaml")
        try Data(configuration.utf8).write(to: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.path)
        publisher = PouchProcess(folder: folder)
    }

    /// Starts one more publisher.
    func start(in group: inout ThrowingTaskGroup<PouchProcess.Ending, any Error>) async -> Running {
        let (stream, continuation) = AsyncStream.makeStream(of: Running.self)
        group.addTask { [publisher] in
            defer { continuation.finish() }
            return try await publisher.run("publish", "--log-level", "warning") { continuation.yield($0) }
        }
        for await running in stream { return running }
        return Running()
    }

    /// Waits until so many objects are in the inbox.
    func reach(_ count: Int) async throws {
        try await eventually("\(count) objects are published", within: .seconds(600), every: .milliseconds(100)) {
            try await inbox.sandbox.count(below: inbox.inboxPrefix) >= count
        }
    }

    func receipts() async throws -> [SandboxProcess.Object] {
        try await inbox.sandbox.objects("orga-repository", below: inbox.repositoryPrefix + ".pouch-receipts/")
    }

    /// The event of the one object that was stored.
    func event() async throws -> String? {
        guard
            let object = try await inbox.sandbox.objects("orga-repository", below: inbox.repositoryPrefix)
                .first(where: { !$0.key.contains(".pouch-receipts/") })
        else { return nil }
        return Self.event(bucket: "orga-repository", key: object.key)
    }

    private static func event(bucket: String, key: String) -> String {
        #"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","#
            + #""s3":{"bucket":{"name":"\#(bucket)"},"object":{"key":"\#(key)"}}}]}"#
    }

    /// What should never have been in the queue: garbage, other buckets, places that are none, objects that are not there.
    func poison() throws -> [String] {
        let nowhere = "0123456789abcdef0123456789abcdef/report.csv"
        return [
            "hello", #"{"Records":"none"}"#, Self.event(bucket: "acme-inbox", key: inbox.inboxPrefix + "file-0.bin"),
            Self.event(bucket: "orga-repository", key: "other/" + nowhere),
            Self.event(bucket: "orga-repository", key: inbox.repositoryPrefix + nowhere),
            Self.event(bucket: "orga-repository", key: inbox.repositoryPrefix + "plain.csv"),
            #"{"Type":"Notification","Message":"hello"}"#,
        ]
    }
}
