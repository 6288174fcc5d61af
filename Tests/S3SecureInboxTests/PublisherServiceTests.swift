import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import S3SecureInbox
import Synchronization
import Testing

@Suite("A publisher that keeps nothing")
struct PublisherServiceTests {
    private typealias Bench = PublisherBench

    @Test("copies what the object says of itself, leaves a receipt, and only then deletes the message")
    func publishes() async throws {
        let bench = try Bench([Bench.event()])
        let ending = await bench.service.run(.once)
        #expect(ending.published == 1 && ending.isComplete, "\(bench.news.all)")
        #expect(bench.queue.deleted == ["0"])
        let copy = try #require(bench.cloud.requests(.copy).first)
        for (name, value) in [
            "x-amz-copy-source": "orga-repository/\(Bench.key)?versionId=V7", "x-amz-copy-source-if-match": "\"e7\"",
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
        #expect(order.prefix(5) == ["PUT", "HEAD", "HEAD", "PUT copy", "PUT"])
    }

    @Test("a delivery that is there already is done, whoever copied it")
    func foundPublished() async throws {
        let bench = try Bench(
            [Bench.event(), Bench.event()], [.copy: [Answers.taken], .headInbox: [Answers.there(delivery: Delivery.id)]])
        let ending = await bench.service.run(.once)
        #expect(ending.isComplete)
        #expect(Set(bench.queue.deleted) == ["0", "1"])
    }

    @Test("a receipt that is there already stays as it is")
    func firstReceiptStands() async throws {
        let bench = try Bench([Bench.event()], [.put: [Answers.taken]])
        #expect(await bench.service.run(.once).isComplete)
        #expect(bench.queue.deleted == ["0"])
    }

    @Test("somebody else's object is gone round; where it may not ask whose it is, nothing is guessed and nothing deleted")
    func takenKeys() async throws {
        let foreign = Answers.there(delivery: "ffffffffffffffffffffffffffffffff")
        let round = try Bench([Bench.event()], [.copy: [Answers.taken, Answers.copied(source: "V7")], .headInbox: [foreign]])
        #expect(await round.service.run(.once).isComplete)
        #expect(round.cloud.requests(.copy).last?.url.hasSuffix("~01234567.csv") == true)
        let blind = try Bench([Bench.event()], [.copy: [Answers.taken], .headInbox: [Answers.status(403)]])
        let ending = await blind.service.run(.once)
        #expect(!ending.isComplete)
        #expect(blind.codes == ["inbox-not-askable"])
        #expect(blind.queue.deleted.isEmpty)
        #expect(blind.cloud.requests(.copy).count == 1)
    }

    @Test("a version that is gone is looked for under its key; a key that is gone is told, and left to the dead letters")
    func goneVersions() async throws {
        let later = try Bench(
            [Bench.event(version: "V1")], [.headRepository: [Answers.status(404), Bench.consignment()]])
        #expect(await later.service.run(.once).isComplete)
        #expect(later.cloud.requests(.headRepository).map { $0.url.contains("versionId=") } == [true, false])
        let gone = try Bench([Bench.event()], [.headRepository: [Answers.status(404)]])
        #expect(await gone.service.run(.once).refused == 1)
        #expect(gone.codes == ["source-gone"])
        #expect(gone.queue.visibilities == [0])
    }

    @Test("a 403 is taken for what it is where the list shows the object, and for gone where it does not")
    func forbiddenOrGone() async throws {
        let gone = try Bench([Bench.event()], [.headRepository: [Answers.status(403)]])
        #expect(await gone.service.run(.once).refused == 1)
        #expect(gone.codes == ["source-gone"])
        let forbidden = try Bench([Bench.event()], [.headRepository: [Answers.status(403)], .other: [Bench.listed]])
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
        let bench = try Bench([Bench.event()], [.headRepository: [Bench.consignment(change)]])
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
            "hello", Bench.event(bucket: "acme-inbox"), Bench.event(key: "other/\(Delivery.id)/x"),
            Bench.event(key: "acme/report.csv"),
            Bench.event(key: "acme/\(Delivery.id)"), Bench.event(key: "acme/\(Delivery.id)/"),
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
            Bench.event(key: "acme/.pouch-receipts/\(Delivery.id).json"), Bench.event(key: "acme/.pouch-probe/check"),
            Bench.event(key: "acme/\(Delivery.id)/.segments/1"),
        ])
        #expect(await bench.service.run(.once).isComplete)
        #expect(bench.queue.deleted.count == 5)
        #expect(bench.cloud.requests(.headRepository).isEmpty)
    }

    @Test("what may pass comes back later, the later the more often it came; what is hopeless waits where nobody gives it up")
    func comesBack() async throws {
        for (count, pause) in [(1, 5), (2, 50), (3, 600), (4, 7_200), (12, 900)] {
            let bench = try Bench(
                [Bench.event()], [.copy: [Answers.refused(403, "AccessDenied")]], receiveCount: count)
            #expect(await bench.service.run(.once).postponed == 1)
            #expect(bench.queue.visibilities == [pause])
        }
        let hopeless = try Bench(["hello"], hasDeadLetters: false)
        #expect(await hopeless.service.run(.once).refused == 1)
        #expect(hopeless.queue.visibilities == [900])
    }

    @Test("while a copy takes its time, the message is kept from others again and again")
    func heartbeat() async throws {
        let bench = try Bench([Bench.event()], clock: StandingClock())
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
        let bench = try Bench([Bench.event(key: Bench.key, and: other)])
        let ending = await bench.service.run(.once)
        // The second one says that it is the first.
        #expect(ending.published == 1)
        #expect(ending.refused == 1)
        #expect(bench.queue.deleted.isEmpty)
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
