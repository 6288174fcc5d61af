import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import S3SecureInbox
import Synchronization

/// One run over scripted buckets and a scripted queue.
final class PublisherBench: Sendable {
    static let key = "acme/\(Delivery.id)/%C3%BC%20report.csv"

    let cloud: ScriptedCloud
    let queue: ScriptedQueue
    let service: PublisherService
    let news: PublisherTale

    init(
        _ messages: [String],
        _ answers: [ScriptedCloud.Kind: [ScriptedCloud.Answer]] = [:],
        receiveCount: Int = 1,
        hasDeadLetters: Bool = true,
        clock: any AgentClock = PatientClock(),
        change: (inout PublisherService.Settings) -> Void = { _ in }
    ) throws {
        let news = PublisherTale()
        self.news = news
        // The consignment that answers HEAD is the version V7.
        cloud = ScriptedCloud(
            [
                .headRepository: [PublisherBench.consignment()], .copy: [Answers.copied(source: "V7")],
                .other: [PublisherBench.nothingListed],
            ].merging(answers) { $1 })
        queue = ScriptedQueue(messages, receiveCount: receiveCount, hasDeadLetters: hasDeadLetters)
        let party = S3SecureInbox.Party(
            name: IdentityName(unchecked: "publisher"),
            credentials: FixedCredentials(
                Credentials(accessKeyID: "PUBLISHER", secretAccessKey: Secret("s")), explanation: "keys of the test"),
            role: try RoleARN("arn:aws:iam::111111111111:role/publisher"))
        let checked = try Settings.sample().checkedForPublishing(knowing: Settings.identities)
        guard let plan = checked.plan else { throw checked.problems[0] }
        let partner = PublisherPartner(
            name: PartnerName(unchecked: "acme"), plan: plan, publisher: party,
            link: AWSLink(transport: cloud, clock: clock, jitter: { 0 }))
        let sqs = SQS(
            queue: try QueueURL("https://sqs.eu-west-1.amazonaws.com/111111111111/q"), region: try Region("eu-west-1"),
            endpoint: nil, credentials: party.credentials, link: AWSLink(transport: queue, clock: clock, jitter: { 0 }))
        var settings = PublisherService.Settings(name: "publisher-01")
        change(&settings)
        service = PublisherService(
            queue: sqs, partners: [partner].compactMap(\.self), settings: settings, clock: clock,
            report: { news.add($0) })
    }

    /// The codes of what was refused or postponed.
    var codes: [String] {
        news.all.compactMap { news in
            switch news {
            case .refused(let failure, _, _), .postponed(let failure, _, _): failure.code
            default: nil
            }
        }
    }

    // MARK: What lies and what comes

    static func event(
        bucket: String = "orga-repository", key: String = key, and other: String? = nil, version: String? = nil
    ) -> String {
        let records = [key, other].compactMap(\.self).map { key in
            #"{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","#
                + #""s3":{"bucket":{"name":"\#(bucket)"},"object":{"key":"\#(key)","size":99"#
                + (version.map { #","versionId":"\#($0)""# } ?? "") + "}}}"
        }
        return "{\"Records\":[\(records.joined(separator: ","))]}"
    }

    /// What HEAD says of the consignment; an empty text takes a field away.
    static func consignment(_ change: [String: String] = [:], length: Int64 = 5) -> ScriptedCloud.Answer {
        let metadata = [
            "pouch-consignment": "1", "pouch-delivery": Delivery.id, "pouch-key": "2026/%C3%BC%20report.csv", "pouch-size": "5",
            "pouch-sha256": String(repeating: "ab", count: 32), "pouch-crc64nvme": CRC64NVME(42).base64, "pouch-partner": "acme",
            "pouch-route": "reports", "pouch-agent": "edge-01", "pouch-publish": "elsewhere", "pouch-name": "%C3%BC%20report.csv",
        ].merging(change) { $1 }
        var headers = [
            (name: "ETag", value: "\"e7\""), (name: "content-length", value: "\(length)"), (name: "x-amz-version-id", value: "V7"),
        ]
        for (name, value) in metadata where !value.isEmpty { headers.append(("x-amz-meta-" + name, value)) }
        return { [headers] _ in .success(HTTPResponse(status: 200, headers: HTTPHeaders(headers), body: [])) }
    }

    /// A page of the repository's list, with the consignment.
    static let listed: ScriptedCloud.Answer = { _ in
        .success(
            HTTPResponse(
                status: 200, headers: HTTPHeaders(),
                body: Array(
                    """
                    <ListBucketResult><Contents><Key>\(key)</Key><LastModified>2026-11-22T14:05:09.000Z</LastModified>
                    <ETag>&quot;e7&quot;</ETag><Size>5</Size></Contents></ListBucketResult>
                    """.utf8)))
    }

    static let nothingListed: ScriptedCloud.Answer = { _ in
        .success(
            HTTPResponse(status: 200, headers: HTTPHeaders(), body: Array("<ListBucketResult></ListBucketResult>".utf8)))
    }
}

/// What a publisher told.
final class PublisherTale: Sendable {
    private let state = Mutex<[PublisherNews]>([])

    var all: [PublisherNews] { state.withLock { $0 } }

    func add(_ news: PublisherNews) { state.withLock { $0.append(news) } }
}

/// A clock on which nothing is over before it is cancelled.
struct PatientClock: AgentClock {
    var now: Timestamp { Timestamp(seconds: 1_795_435_200) }
    var monotonic: Duration { .zero }

    func sleep(for duration: Duration) async throws {
        guard duration > .zero else { return }
        await Cancellation.wait()
        throw CancellationError()
    }
}
