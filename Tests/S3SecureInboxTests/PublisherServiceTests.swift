import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import S3SecureInbox
import Synchronization
import Testing

@Suite("A publisher that keeps nothing")
struct PublisherServiceTests {
    private static let key = "acme/\(Delivery.id)/%C3%BC%20report.csv"

    /// One run over scripted buckets and a scripted queue.
    private final class Bench: Sendable {
        let cloud: ScriptedCloud
        let queue: ScriptedQueue
        let service: PublisherService
        let news: News

        init(
            _ messages: [String],
            _ answers: [ScriptedCloud.Kind: [ScriptedCloud.Answer]] = [:],
            receiveCount: Int = 1,
            hasDeadLetters: Bool = true,
            clock: any AgentClock = PatientClock(),
            writesReceipts: Bool = true
        ) throws {
            let news = News()
            self.news = news
            // The lists of the reconciliation are empty.
            let empty: ScriptedCloud.Answer = { _ in
                .success(
                    HTTPResponse(
                        status: 200, headers: HTTPHeaders(), body: Array("<ListBucketResult></ListBucketResult>".utf8)))
            }
            // The consignment that answers HEAD is the version V7.
            cloud = ScriptedCloud(
                [
                    .headRepository: [PublisherServiceTests.consignment()], .copy: [Answers.copied(source: "V7")],
                    .other: [empty],
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
            settings.writesReceipts = writesReceipts
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
    }

    @Test("copies what the object says of itself, leaves a receipt, and only then deletes the message")
    func publishes() async throws {
        let bench = try Bench([Self.event()])
        let ending = await bench.service.run(.once)
        #expect(ending.published == 1 && ending.isComplete, "\(bench.news.all)")
        #expect(bench.queue.deleted == ["0"])
        let copy = try #require(bench.cloud.requests(.copy).first)
        for (name, value) in [
            "x-amz-copy-source": "orga-repository/\(Self.key)?versionId=V7", "x-amz-copy-source-if-match": "\"e7\"",
            "if-none-match": "*", "x-amz-expected-bucket-owner": "222222222222",
            "x-amz-source-expected-bucket-owner": "111111111111", "x-amz-server-side-encryption-aws-kms-key-id": Answers.inboxKey,
            "x-amz-meta-pouch-delivery": Delivery.id, "x-amz-meta-pouch-agent": "edge-01",
            "x-amz-meta-pouch-name": "%C3%BC%20report.csv",
            "x-amz-meta-pouch-size": "5",
        ] { #expect(copy.header(name) == value, "\(name)") }
        #expect(copy.url.hasSuffix("/from-orga/2026/%C3%BC%20report.csv"))
        #expect(copy.header("x-amz-meta-pouch-key") == nil)
        let receipt = try #require(bench.cloud.requests(.put).first)
        #expect(receipt.url.hasSuffix("/acme/.pouch-receipts/\(Delivery.id).json"))
        #expect(receipt.header("if-none-match") == "*")
        #expect(receipt.header("x-amz-server-side-encryption") == nil)
        guard case .bytes(let body) = receipt.body else { return }
        let text = String(decoding: body, as: UTF8.self)
        for part in [
            #""receipt":1"#, #""delivery":"\#(Delivery.id)""#, #""publisher":"publisher-01""#, #""confirmation":"by-answer""#,
            #""location":"s3://acme-inbox/from-orga/2026/ü report.csv""#, #""versionId":"V7""#,
        ] { #expect(text.contains(part), "\(part)") }
        let order = bench.cloud.requests.map { $0.method + ($0.header("x-amz-copy-source") == nil ? "" : " copy") }
        #expect(order.prefix(3) == ["HEAD", "PUT copy", "PUT"])
    }

    @Test("a delivery that is there already is done, whoever copied it")
    func foundPublished() async throws {
        let bench = try Bench(
            [Self.event(), Self.event()], [.copy: [Answers.taken], .headInbox: [Answers.there(delivery: Delivery.id)]],
            writesReceipts: false)
        let ending = await bench.service.run(.once)
        #expect(ending.isComplete)
        #expect(Set(bench.queue.deleted) == ["0", "1"])
        #expect(bench.cloud.requests(.put).isEmpty)
    }

    @Test("a receipt that is there already stays as it is")
    func firstReceiptStands() async throws {
        let bench = try Bench([Self.event()], [.put: [Answers.taken]])
        #expect(await bench.service.run(.once).isComplete)
        #expect(bench.queue.deleted == ["0"])
    }

    @Test("somebody else's object is gone round; where it may not ask whose it is, nothing is guessed and nothing deleted")
    func takenKeys() async throws {
        let foreign = Answers.there(delivery: "ffffffffffffffffffffffffffffffff")
        let round = try Bench([Self.event()], [.copy: [Answers.taken, Answers.copied(source: "V7")], .headInbox: [foreign]])
        #expect(await round.service.run(.once).isComplete)
        #expect(round.cloud.requests(.copy).last?.url.hasSuffix("~01234567.csv") == true)
        let blind = try Bench([Self.event()], [.copy: [Answers.taken], .headInbox: [Answers.status(403)]])
        let ending = await blind.service.run(.once)
        #expect(!ending.isComplete)
        #expect(blind.codes == ["inbox-not-askable"])
        #expect(blind.queue.deleted.isEmpty)
        #expect(blind.cloud.requests(.copy).count == 1)
    }

    @Test("a version that is gone is looked for under its key; a key that is gone is told, and left to the dead letters")
    func goneVersions() async throws {
        let later = try Bench(
            [Self.event(version: "V1")], [.headRepository: [Answers.status(404), Self.consignment()]])
        #expect(await later.service.run(.once).isComplete)
        #expect(later.cloud.requests(.headRepository).map { $0.url.contains("versionId=") } == [true, false])
        let gone = try Bench([Self.event()], [.headRepository: [Answers.status(404)]])
        #expect(await gone.service.run(.once).refused == 1)
        #expect(gone.codes == ["source-gone"])
        #expect(gone.queue.visibilities == [0])
    }

    @Test("a 403 is taken for what it is where the list shows the object, and for gone where it does not")
    func forbiddenOrGone() async throws {
        let gone = try Bench([Self.event()], [.headRepository: [Answers.status(403)]])
        #expect(await gone.service.run(.once).refused == 1)
        #expect(gone.codes == ["source-gone"])
        let listed: ScriptedCloud.Answer = { _ in
            .success(
                HTTPResponse(
                    status: 200, headers: HTTPHeaders(),
                    body: Array(
                        """
                        <ListBucketResult><Contents><Key>\(Self.key)</Key>
                        <LastModified>2026-11-23T14:05:09.000Z</LastModified><ETag>&quot;e7&quot;</ETag><Size>5</Size></Contents></ListBucketResult>
                        """.utf8)))
        }
        let forbidden = try Bench([Self.event()], [.headRepository: [Answers.status(403)], .other: [listed]])
        #expect(await forbidden.service.run(.once).postponed > 0)
        #expect(Set(forbidden.codes) == ["Forbidden"])
    }

    @Test(
        "an object that is not what its place says is never published, whatever the event says",
        arguments: [
            (["pouch-consignment": "3"], "consignment-version"), (["pouch-consignment": ""], "no-consignment"),
            (["pouch-delivery": "ffffffffffffffffffffffffffffffff"], "bad-consignment"),
            (["pouch-delivery": "x"], "bad-consignment"),
            (["pouch-partner": "globex"], "bad-consignment"), (["pouch-key": "../escape"], "bad-consignment"),
            (["pouch-key": "a%2F%2Fb"], "bad-consignment"), (["pouch-key": "%FF"], "bad-consignment"),
            (["pouch-key": "%zz"], "bad-consignment"), (["pouch-size": "6"], "bad-consignment"),
            (["pouch-size": "-5"], "bad-consignment"), (["pouch-sha256": "00"], "bad-consignment"),
            (["pouch-crc64nvme": "AAAA"], "bad-consignment"), (["pouch-route": "A B"], "bad-consignment"),
        ])
    func forged(_ change: [String: String], _ code: String) async throws {
        let bench = try Bench([Self.event()], [.headRepository: [Self.consignment(change)]])
        let ending = await bench.service.run(.once)
        #expect(ending.refused == 1)
        #expect(bench.codes == [code])
        #expect(bench.cloud.requests(.copy).isEmpty)
        #expect(bench.queue.deleted.isEmpty)
        #expect(bench.queue.visibilities == [0])
    }

    @Test("events that are none, or of other places, are left to the dead letters without a question")
    func foreignEvents() async throws {
        let bench = try Bench([
            "hello", Self.event(bucket: "acme-inbox"), Self.event(key: "other/\(Delivery.id)/x"),
            Self.event(key: "acme/report.csv"),
            Self.event(key: "acme/\(Delivery.id)"), Self.event(key: "acme/\(Delivery.id)/"),
        ])
        let ending = await bench.service.run(.once)
        #expect(ending.refused == 6)
        #expect(
            bench.codes.sorted() == [
                "no-consignment", "no-consignment", "no-consignment", "not-ours", "not-ours", "unreadable-event",
            ])
        #expect(bench.queue.visibilities == Array(repeating: 0, count: 6))
        #expect(bench.cloud.requests(.headRepository).isEmpty)
    }

    @Test("test events, events of other kinds, receipts and doctor's probe ask for nothing and are deleted")
    func nothing() async throws {
        let bench = try Bench([
            #"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, #"{"Records":[]}"#,
            Self.event(key: "acme/.pouch-receipts/\(Delivery.id).json"), Self.event(key: "acme/.pouch-probe/check"),
            Self.event(key: "acme/\(Delivery.id)/.segments/1"),
        ])
        #expect(await bench.service.run(.once).isComplete)
        #expect(bench.queue.deleted.count == 5)
        #expect(bench.cloud.requests(.headRepository).isEmpty)
    }

    @Test("what may pass comes back later, the later the more often it came; what is hopeless waits where nobody gives it up")
    func comesBack() async throws {
        for (count, pause) in [(1, 5), (2, 10), (4, 40), (12, 900)] {
            let bench = try Bench(
                [Self.event()], [.copy: [Answers.refused(403, "AccessDenied")]], receiveCount: count)
            #expect(await bench.service.run(.once).postponed == 1)
            #expect(bench.queue.visibilities == [pause])
        }
        let hopeless = try Bench(["hello"], hasDeadLetters: false)
        #expect(await hopeless.service.run(.once).refused == 1)
        #expect(hopeless.queue.visibilities == [900])
    }

    @Test("while a copy takes its time, the message is kept from others again and again")
    func heartbeat() async throws {
        let bench = try Bench([Self.event()], clock: StandingClock())
        bench.cloud.hang(on: .copy)
        async let ending = bench.service.run(.once)
        await bench.queue.untilVisibilityChanged(times: 3)
        #expect(bench.queue.deleted.isEmpty)
        bench.service.stop()
        _ = await ending
        #expect(bench.queue.visibilities.allSatisfy { $0 == 120 })
    }

    @Test("a message with several objects is deleted when all are published; one that cannot be keeps it")
    func severalObjects() async throws {
        let other = "acme/ffffffffffffffffffffffffffffffff/x"
        let bench = try Bench([Self.event(key: Self.key, and: other)])
        let ending = await bench.service.run(.once)
        // The second one says that it is the first.
        #expect(ending.published == 1)
        #expect(ending.refused == 1)
        #expect(bench.queue.deleted.isEmpty)
    }

    // MARK: What lies and what comes

    private static func event(
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
    fileprivate static func consignment(_ change: [String: String] = [:]) -> ScriptedCloud.Answer {
        let metadata = [
            "pouch-consignment": "1", "pouch-delivery": Delivery.id, "pouch-key": "2026/%C3%BC%20report.csv", "pouch-size": "5",
            "pouch-sha256": String(repeating: "ab", count: 32), "pouch-crc64nvme": CRC64NVME(42).base64, "pouch-partner": "acme",
            "pouch-route": "reports", "pouch-agent": "edge-01", "pouch-name": "%C3%BC%20report.csv",
        ].merging(change) { $1 }
        var headers = [
            (name: "ETag", value: "\"e7\""), (name: "content-length", value: "5"), (name: "x-amz-version-id", value: "V7"),
        ]
        for (name, value) in metadata where !value.isEmpty { headers.append(("x-amz-meta-" + name, value)) }
        return { [headers] _ in .success(HTTPResponse(status: 200, headers: HTTPHeaders(headers), body: [])) }
    }
}

/// What a publisher told.
private final class News: Sendable {
    private let state = Mutex<[PublisherNews]>([])

    var all: [PublisherNews] { state.withLock { $0 } }

    func add(_ news: PublisherNews) { state.withLock { $0.append(news) } }
}

/// A clock on which nothing is over before it is cancelled.
private struct PatientClock: AgentClock {
    var now: Timestamp { Timestamp(seconds: 1_795_435_200) }
    var monotonic: Duration { .zero }

    func sleep(for duration: Duration) async throws {
        guard duration > .zero else { return }
        await Cancellation.wait()
        throw CancellationError()
    }
}

@Suite("The pace of a publisher")
struct PublishingPaceTests {
    @Test("halves when it is asked for a slower one, rests the longer the more often, and grows again")
    func pace() {
        var pace = PublishingPace(most: 8)
        pace.throttled(asked: nil, at: .seconds(10))
        #expect(pace.atOnce == 4)
        #expect(pace.restsUntil == .seconds(11))
        // Others that were under way are refused as well.
        pace.throttled(asked: nil, at: .seconds(10))
        #expect(pace.atOnce == 4)
        pace.throttled(asked: nil, at: .seconds(11))
        #expect(pace.atOnce == 2)
        #expect(pace.restsUntil == .seconds(13))
        pace.throttled(asked: .seconds(30), at: .seconds(13))
        #expect(pace.atOnce == 1)
        #expect(pace.restsUntil == .seconds(43))
        pace.throttled(asked: .seconds(3_600), at: .seconds(43))
        #expect(pace.atOnce == 1)
        #expect(pace.restsUntil == .seconds(103))
        for _ in 0..<100 { pace.succeeded() }
        #expect(pace.atOnce == 8)
    }
}
