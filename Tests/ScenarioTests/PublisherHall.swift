import Foundation
import Testing

/// An edge that stores and does not publish, and a host whose configuration only publishes.
struct PublisherHall: Sendable {
    let inbox: SecureInboxWorkshop
    let publisher: PouchProcess

    /// - Parameter storing: more settings of the repository.
    init(storing: String = "") throws {
        inbox = try SecureInboxWorkshop(delivery: "publish: elsewhere, receipts: { as: generator }", storing: storing)
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
        try await eventually("\(count) objects are published", within: .seconds(900), every: .milliseconds(max(100, count / 10))) {
            try await inbox.sandbox.count(below: inbox.inboxPrefix) >= count
        }
    }

    /// The events of this edge's consignments that nobody is done with. Those of receipts may come when a publisher has ended.
    func pendingEvents() async throws -> [String] {
        try await inbox.sandbox.queue("pouch-events").messages?
            .filter { $0.contains(inbox.repositoryPrefix) && !$0.contains("/.pouch-receipts/") } ?? []
    }

    func receipts() async throws -> [SandboxProcess.Object] {
        try await inbox.sandbox.objects("orga-repository", below: inbox.repositoryPrefix + ".pouch-receipts/")
            .filter { $0.key.hasSuffix(".json") }
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

/// The two organisations, in which each workshop has a place for receipts below its own prefix, and the publisher may put segments together.
struct PublisherGround: TestTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing body: @Sendable () async throws -> Void
    ) async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("pouch-ground-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let usual = try await PouchProcess(folder: place).run("sandbox", "scenario", "--large-files")
        let scenario = place.appendingPathComponent("scenario.json")
        try Data(usual.output.replacing("/acme/.pouch-receipts/", with: "/acme/*/.pouch-receipts/").utf8).write(to: scenario)
        try await RunningSandbox(arguments: ["--scenario", scenario.path])
            .provideScope(for: test, testCase: testCase, performing: body)
    }
}

extension Trait where Self == PublisherGround {
    static var publisherGround: PublisherGround { PublisherGround() }
}
