import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import PouchPartnerKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox
import Synchronization
import Testing

/// Two organisations in one process, set up by the files of a kit and by nothing else, and a destination that works by them.
struct KitHouse {
    static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    let folder: TemporaryFolder
    let sandbox: Sandbox
    let transport: SandboxTransport

    /// - Parameters:
    ///   - missing: A statement that nobody applied.
    ///   - change: What is otherwise than the kit has it.
    init(
        _ kit: PartnerKit,
        without missing: (path: String, name: StatementName)? = nil,
        change: (inout SandboxScenario) throws -> Void = { _ in }
    ) throws {
        folder = try TemporaryFolder("kit")
        for file in kit.files { try folder.write(file.text, to: "kit/" + file.path) }
        if let missing {
            var document = try #require(kit.documents.first { $0.path == missing.path })
            try #require(document.policy[missing.name] != nil)
            document.policy.statements.removeAll { $0.name == missing.name }
            try folder.write(document.policy.json.pretty(), to: "kit/" + missing.path)
        }
        var scenario = try SandboxScenario.load(folder.path("kit/rehearsal.json"))
        try change(&scenario)
        sandbox = try Sandbox(
            configuration: SandboxConfiguration(
                folder: folder.path("sandbox"), scenario: scenario, allowsFaults: true, showsArrivals: false))
        transport = SandboxTransport(sandbox)
    }

    static func kit(_ choose: (inout PatternFacts.Choices) -> Void = { _ in }) throws -> PartnerKit {
        var choices = PatternFacts.Choices()
        choose(&choices)
        let edge = Trust.identity(arn: "arn:aws:iam::111111111111:user/edge", externalID: nil)
        return PartnerKit(
            partner: try PartnerName("acme"),
            generator: try RoleARN("arn:aws:iam::111111111111:role/generator"),
            publisher: try RoleARN("arn:aws:iam::111111111111:role/publisher"),
            generatorTrust: edge, publisherTrust: edge,
            repository: PatternFacts.Place(
                bucket: try BucketName("orga-repository"), region: try Region("eu-west-1"), owner: try AccountID("111111111111"),
                prefix: "acme/", key: try KeyARN(key)),
            inbox: PatternFacts.Place(
                bucket: try BucketName("acme-inbox"), region: try Region("eu-west-1"), owner: try AccountID("222222222222"),
                prefix: "from-orga/", key: try KeyARN(key)),
            choices: choices)
    }

    // MARK: Org A at work

    func link(clock: any AgentClock = SystemClock()) -> AWSLink {
        AWSLink(transport: transport, clock: Hurried(clock), jitter: { 0 })
    }

    func destination(
        clock: any AgentClock = SystemClock(),
        _ change: (inout S3SecureInboxSettings) -> Void = { _ in },
        credentials: ((String, AWSLink) throws -> any CredentialSource)? = nil
    ) throws -> S3SecureInbox {
        var settings = try Self.settings()
        change(&settings)
        let (plan, problems) = settings.checked(knowing: try Self.roles())
        guard let plan else { throw problems[0] }
        let link = link(clock: clock)
        let source = credentials ?? self.credentials
        return S3SecureInbox(
            plan: plan, generator: try Self.party("generator", source("generator", link)),
            publisher: plan.inbox == nil ? nil : try Self.party("publisher", source("publisher", link)), link: link)
    }

    static func settings() throws -> S3SecureInboxSettings {
        try JSONDecoder().decode(S3SecureInboxSettings.self, from: Data(settingsText.utf8))
    }

    static func roles() throws -> S3SecureInboxSettings.Identities {
        [
            try IdentityName("generator"): try RoleARN("arn:aws:iam::111111111111:role/generator"),
            try IdentityName("publisher"): try RoleARN("arn:aws:iam::111111111111:role/publisher"),
        ]
    }

    static func party(_ name: String, _ credentials: any CredentialSource) throws -> S3SecureInbox.Party {
        S3SecureInbox.Party(
            name: try IdentityName(name), credentials: credentials, role: try RoleARN("arn:aws:iam::111111111111:role/\(name)"))
    }

    func credentials(_ name: String, _ link: AWSLink) throws -> any CredentialSource {
        RefreshingCredentials.role(
            STS.RoleRequest(role: try RoleARN("arn:aws:iam::111111111111:role/\(name)"), sessionName: "pouch"),
            from: CredentialsFile(path: folder.path("sandbox/credentials"), section: "edge"), region: try Region("eu-west-1"),
            endpoint: nil, link: link)
    }

    func deliver(
        _ destination: S3SecureInbox,
        to key: String = "reports/north.csv",
        size: Int = 8
    ) async throws(DeliveryFailure) -> Receipt {
        let recording: RecordingContext
        let file: TestFile
        do {
            recording = RecordingContext(key: try DeliveryKey(key))
            file = try TestFile(Array(repeating: UInt8(ascii: "a"), count: size), in: folder)
        } catch {
            throw DeliveryFailure(.retry, code: "test", attempt: "make a file", cause: "\(error)")
        }
        switch try await destination.deliver(file.outgoing(), from: nil, in: recording.context) {
        case .delivered(let receipt), .handedOver(_, let receipt): return receipt
        }
    }

    /// Hands a file over, and lets a publisher on another machine do the rest: events first, then what no event told of.
    ///
    /// - Returns: what the publisher complained of.
    func publishElsewhere() async throws -> [String] {
        _ = try await deliver(destination { $0.publish = .elsewhere })
        let link = link()
        let source = try credentials("publisher", link)
        let checked = try Self.settings().checkedForPublishing(knowing: Self.roles())
        guard let plan = checked.plan else { throw checked.problems[0] }
        let partner = PublisherPartner(
            name: try PartnerName("acme"), plan: plan, publisher: try Self.party("publisher", source), link: link)
        let queue = SQS(
            queue: try QueueURL("https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-published"),
            region: try Region("eu-west-1"),
            endpoint: nil, credentials: source, link: link)
        let complaints = Mutex<[String]>([])
        // With a clock that passes over pauses, the heartbeat of a message would not rest.
        let service = PublisherService(
            queue: queue, partners: [partner].compactMap(\.self), settings: .init(name: "publisher-01"), clock: SystemClock()
        ) { news in
            switch news {
            case .postponed(let failure, _, _), .refused(let failure, _, _), .reconciliationFailed(_, let failure):
                complaints.withLock { $0.append(failure.description) }
            case .queueTrouble(let failure, _): complaints.withLock { $0.append("\(failure)") }
            case .unsuitable: complaints.withLock { $0.append("no dead letters") }
            case .receiptsRefused(_, let failure), .receiptsUncertain(_, let failure):
                complaints.withLock { $0.append(failure.description) }
            case .started, .published, .foundReceipt, .throttled, .reconciled, .draining: break
            }
        }
        let ending = await service.run(.once)
        if let trouble = ending.trouble { complaints.withLock { $0.append(trouble) } }
        let told = complaints.withLock { $0 }
        if told.isEmpty { #expect(delivered() == ["from-orga/reports/north.csv"]) }
        return told
    }

    /// What is in the inbox, probes left out.
    func delivered() -> [String] {
        sandbox.store.everything().filter { $0.bucket == "acme-inbox" && !$0.key.text.contains(".pouch-probe/") }.map(\.key.text)
    }

    // MARK: Org B, and things that go wrong

    /// Org B's reader.
    func reader() -> S3 {
        S3(credentials: CredentialsFile(path: folder.path("sandbox/credentials"), section: "reader-b"), link: link())
    }

    func place(_ bucket: String, endpoint: String? = nil) throws -> BucketPlace {
        BucketPlace(
            name: try BucketName(bucket), region: try Region("eu-west-1"), owner: nil,
            endpoint: try endpoint.map { try EndpointURL($0) })
    }

    func spoil(_ fault: String) async throws {
        let token = try folder.text("sandbox/token").split(separator: "\n").joined()
        let request = IncomingRequest(
            method: "POST", target: "/_sandbox/faults", host: "127.0.0.1", headers: [("authorization", "Bearer \(token)")],
            isSecure: true, received: SystemClock().now)
        let reply = try await sandbox.endpoint.answer(request, body: IncomingBody(bytes: Array(fault.utf8)))
        try #require(reply.status == 200)
    }

    private static let settingsText = """
        {
          "repository": { "bucket": "orga-repository", "region": "eu-west-1", "prefix": "acme/", "key": "\(key)", "as": "generator" },
          "inbox": { "bucket": "acme-inbox", "region": "eu-west-1", "owner": "222222222222", "prefix": "from-orga/", "key": "\(key)",
            "as": "publisher" }
        }
        """
}

/// Another clock's times, and no waiting.
struct Hurried: AgentClock {
    private let clock: any AgentClock

    init(_ clock: any AgentClock) { self.clock = clock }

    var now: Timestamp { clock.now }
    var monotonic: Duration { clock.monotonic }

    /// Pauses between tries are skipped; a deadline of hours is waited for until it is cancelled.
    func sleep(for duration: Duration) async throws {
        if duration > .seconds(600) { try await clock.sleep(for: duration) }
    }
}

/// A clock that is wrong.
struct SkewedClock: AgentClock {
    let skew: Duration

    var now: Timestamp { SystemClock().now.advanced(by: skew) }
    var monotonic: Duration { SystemClock().monotonic }
    func sleep(for duration: Duration) async throws { try await SystemClock().sleep(for: duration) }
}

extension [Finding] {
    var firstFailure: Finding? { first { $0.severity == .failure } }

    func finding(in step: String, saying text: String) -> Finding? { first { $0.step == step && $0.text.contains(text) } }

    /// For messages of tests that fail.
    var story: String { map { "\($0.severity) \($0.step): \($0.text)" }.joined(separator: "\n") }
}
