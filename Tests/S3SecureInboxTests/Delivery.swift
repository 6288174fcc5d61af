import PouchAWS
import PouchCrypto
import PouchHTTP
import PouchKit
import S3SecureInbox
import Synchronization

/// One delivery of five bytes to acme, over scripted buckets.
final class Delivery: Sendable {
    static let id = "0123456789abcdef0123456789abcdef"

    struct Notes {
        var saved: [Checkpoint] = []
        var failsToSave = false
        var isChanged = false
        var requestsAtSave: [Int] = []
        var bytesSent: Int64 = 0
    }

    let cloud: ScriptedCloud
    let clock = StandingClock()
    let destination: S3SecureInbox
    let notes = Mutex(Notes())
    private let key: DeliveryKey
    private let size: Int64
    private let name: [UInt8]

    init(
        _ answers: [ScriptedCloud.Kind: [ScriptedCloud.Answer]] = [:],
        whenTaken: WhenTaken = .suffix,
        publish: S3SecureInboxSettings.Publisher = .here,
        key: String = "2026/ü report.csv",
        name: [UInt8] = Array("ü report.csv".utf8),
        size: Int64 = 5,
        change: (inout S3SecureInboxSettings) -> Void = { _ in }
    ) throws {
        cloud = ScriptedCloud(answers)
        self.key = try DeliveryKey(key)
        self.size = size
        self.name = name
        var settings = try Settings.sample()
        settings.whenTaken = whenTaken
        settings.publish = publish
        change(&settings)
        let checked = settings.checked(knowing: Settings.identities)
        guard let plan = checked.plan else { throw checked.problems[0] }
        let link = AWSLink(transport: cloud, clock: clock, jitter: { 0 })
        let party = { (name: String) in
            S3SecureInbox.Party(
                name: IdentityName(unchecked: name),
                credentials: FixedCredentials(
                    Credentials(accessKeyID: name.uppercased(), secretAccessKey: Secret("s")), explanation: "keys of the test"),
                role: try? RoleARN("arn:aws:iam::111111111111:role/\(name)"))
        }
        destination = S3SecureInbox(
            plan: plan, generator: party("generator"), publisher: publish == .here ? party("publisher") : nil, link: link)
    }

    /// The last checkpoint that was saved.
    var latest: Checkpoint? { notes.withLock { $0.saved.last } }
    var saves: Int { notes.withLock { $0.saved.count } }

    func run(from checkpoint: Checkpoint? = nil, deadline: Duration = .seconds(86_400)) async throws(DeliveryFailure)
        -> DeliveryOutcome
    {
        let digests = FileDigests(sha256: SHA256Hasher.digest(of: "hello"), crc64nvme: CRC64NVME(42))
        guard let path = try? DropPath(bytes: name), let partner = try? PartnerName("acme"), let route = try? RouteName("reports"),
            let delivery = try? DeliveryID(Self.id)
        else { preconditionFailure("the names of the test are names") }
        let file = OutgoingFile(
            path: path, size: size, modified: Timestamp(seconds: 0), descriptor: -1,
            digests: { () async throws(DeliveryFailure) in digests },
            partDigests: { (_, _) async throws(DeliveryFailure) in PartDigests(digests) }, knownDigests: { digests },
            verifyUnchanged: { [self] () throws(DeliveryFailure) in
                if notes.withLock({ $0.isChanged }) {
                    throw DeliveryFailure(.sourceChanged, code: "source-changed", attempt: "read", cause: "it changed")
                }
            })
        let save: @Sendable (Checkpoint) async throws(DeliveryFailure) -> Void = { [self] checkpoint throws(DeliveryFailure) in
            let count = cloud.requests.count
            let fails = notes.withLock { notes in
                if !notes.failsToSave {
                    notes.saved.append(checkpoint)
                    notes.requestsAtSave.append(count)
                }
                return notes.failsToSave
            }
            if fails { throw DeliveryFailure(.retry, code: "journal", attempt: "save", cause: "disk full") }
        }
        let context = DeliveryContext(
            delivery: delivery, partner: partner, route: route, agent: "edge-01", key: key, attempt: 1,
            budget: TransferBudget(TransferBudget.Limits(deadline: deadline)), saving: save,
            durable: { () async throws(DeliveryFailure) in },
            progress: { [self] count in notes.withLock { $0.bytesSent = count } })
        return try await destination.deliver(file, from: checkpoint, in: context)
    }

    func receipt(from checkpoint: Checkpoint? = nil) async throws(DeliveryFailure) -> Receipt {
        switch try await run(from: checkpoint) {
        case .delivered(let receipt), .handedOver(_, let receipt): receipt
        }
    }
}

enum Settings {
    static let identities: S3SecureInboxSettings.Identities = [
        IdentityName(unchecked: "generator"): try? RoleARN("arn:aws:iam::111111111111:role/generator"),
        IdentityName(unchecked: "publisher"): try? RoleARN("arn:aws:iam::111111111111:role/publisher"),
        IdentityName(unchecked: "plain"): nil,
    ]

    static let text = """
        {
          "when-taken": "suffix", "publish": "here",
          "repository": { "bucket": "orga-repository", "region": "eu-west-1", "prefix": "acme/",
            "key": "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888", "as": "generator",
            "upload": "sealed", "segments-above": "5 GiB" },
          "inbox": { "bucket": "acme-inbox", "region": "eu-west-1", "owner": "222222222222", "prefix": "from-orga/",
            "key": "arn:aws:kms:eu-west-1:222222222222:key/99992222-3333-4444-5555-666677778888", "as": "publisher" }
        }
        """
}
