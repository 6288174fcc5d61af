import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import S3SecureInbox
import Testing

@Suite("A publisher on a bad day")
struct PublisherTroubleTests {
    private typealias Bench = PublisherBench
    private static let denied = Answers.refused(403, "AccessDenied")

    private static func figures(_ bench: Bench) -> Reconciliation.Figures? {
        for case .reconciled(_, let figures) in bench.news.all { return figures }
        return nil
    }

    // MARK: What was published already

    @Test("what an agent publishes by itself is left to it, whether an event or the list names it")
    func leftToAgents() async throws {
        let own = Bench.consignment(["pouch-publish": ""])
        let bench = try Bench([Bench.event()], [.headRepository: [own], .other: [Bench.nothingListed, Bench.listed]])
        let ending = await bench.service.run(.once)
        #expect(ending.isComplete && ending.published == 0)
        #expect(bench.queue.deleted == ["0"])
        #expect(bench.cloud.requests(.copy).isEmpty)
        #expect(Self.figures(bench)?.seen == 1 && Self.figures(bench)?.byAgents == 1)
        let unknown = try Bench([Bench.event()], [.headRepository: [Bench.consignment(["pouch-publish": "nobody"])]])
        #expect(await unknown.service.run(.once).refused == 1)
        #expect(unknown.codes == ["bad-consignment"])
    }

    @Test("what has a receipt is not copied again, though the partner took it out of the inbox")
    func hasReceipt() async throws {
        let bench = try Bench([Bench.event()], [.headReceipt: [Answers.stored()]])
        let ending = await bench.service.run(.once)
        #expect(ending.isComplete && ending.published == 0)
        #expect(bench.queue.deleted == ["0"])
        #expect(bench.cloud.requests(.copy).isEmpty && bench.cloud.requests(.headRepository).isEmpty)
        // Who may not list is told 403 where there is none.
        let blind = try Bench([Bench.event()], [.headReceipt: [Answers.status(403)]])
        #expect(await blind.service.run(.once).published == 1)
    }

    @Test("a receipt that was refused is tried again, and the copy is not; the run then postponed nothing")
    func receiptOnly() async throws {
        let bench = try Bench(
            [Bench.event()], [.put: [Self.denied, Answers.stored()], .other: [Bench.nothingListed, Bench.listed]])
        let ending = await bench.service.run(.once)
        #expect(bench.codes == ["AccessDenied"])
        #expect(bench.queue.deleted.isEmpty)
        #expect(bench.cloud.requests(.copy).count == 1)
        #expect(bench.cloud.requests(.put).count == 2)
        #expect(ending.published == 1 && ending.isComplete, "\(ending)")
    }

    @Test("an object that is refused by every event is counted once")
    func countsObjects() async throws {
        let bench = try Bench(Array(repeating: Bench.event(key: "acme/report.csv"), count: 5))
        let ending = await bench.service.run(.once)
        #expect(bench.codes.count == 5)
        #expect(ending.refused == 1)
    }

    // MARK: Rights

    @Test("who may not leave receipts does not start; a probe that lies there already is permission enough")
    func probesReceipts() async throws {
        for mode in [PublisherService.Mode.service, .once, .reconcileOnly] {
            let bench = try Bench([Bench.event()], [.probe: [Self.denied]])
            let ending = await bench.service.run(mode)
            #expect(ending.trouble?.contains("receipts cannot be left for acme") == true, "\(mode): \(ending)")
            #expect(ending.trouble?.contains("s3:PutObject") == true, "\(mode): \(ending)")
            #expect(bench.cloud.requests.count == bench.cloud.requests(.probe).count)
            #expect(bench.queue.deleted.isEmpty && bench.queue.visibilities.isEmpty)
        }
        let again = try Bench([Bench.event()], [.probe: [Answers.taken]])
        #expect(await again.service.run(.once).published == 1)
        let probe = try #require(again.cloud.requests(.probe).first)
        #expect(probe.header("if-none-match") == "*")
    }

    @Test("without receipts it listens, and does not look through the repositories")
    func withoutReceipts() async throws {
        for mode in [PublisherService.Mode.once, .reconcileOnly] {
            let bench = try Bench([Bench.event()]) { $0.writesReceipts = false }
            #expect(await bench.service.run(mode).trouble?.contains("receipts: false") == true)
            #expect(bench.cloud.requests.isEmpty)
        }
        let hourly = try Bench([Bench.event()]) {
            $0.writesReceipts = false
            $0.reconcileEvery = .seconds(3_600)
        }
        #expect(await hourly.service.run(.service).trouble != nil)
        let listening = try Bench([Bench.event()], clock: StandingClock()) { $0.writesReceipts = false }
        async let ending = listening.service.run(.service)
        await listening.queue.untilDeleted(1)
        listening.service.stop()
        #expect(await ending.trouble == nil)
        #expect(listening.cloud.requests(.copy).count == 1)
        #expect(listening.cloud.requests(.put).isEmpty && listening.cloud.requests(.probe).isEmpty)
    }

    // MARK: What takes hours

    private static let huge: Int64 = 6 << 30
    private static let large = Bench.consignment(["pouch-size": "\(huge)"], length: huge)

    @Test("one copy without an end takes one slot, and the others go on")
    func slots() async throws {
        let bench = try Bench(
            [Bench.event(key: "acme/ffffffffffffffffffffffffffffffff/x"), Bench.event(), Bench.event(), Bench.event()],
            clock: StandingClock()
        ) { $0.atOnce = 2 }
        bench.cloud.hang { $0.method == "HEAD" && $0.url.contains("/ffffffffffffffffffffffffffffffff/x") }
        async let ending = bench.service.run(.service)
        await bench.queue.untilDeleted(3)
        bench.service.stop()
        _ = await ending
        #expect(bench.queue.deleted.count == 3)
    }

    @Test("what is put together for hours takes no slot at all")
    func lengthy() async throws {
        let opened = Answers.xml(
            "<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>", key: Answers.inboxKey)
        let bench = try Bench(
            [Bench.event(), Bench.event(key: "acme/ffffffffffffffffffffffffffffffff/receipt-only")],
            [
                .headRepository: [Self.large], .headInbox: [Answers.status(404)], .other: [Answers.status(404), opened],
                .headReceipt: [
                    { request in
                        let answer = request.url.contains("ffffffff") ? Answers.stored() : Answers.status(404)
                        return answer(request)
                    }
                ],
            ], clock: StandingClock()
        ) { $0.atOnce = 1 }
        bench.cloud.hang { $0.url.contains("partNumber") }
        async let ending = bench.service.run(.service)
        await bench.queue.untilDeleted(1)
        bench.service.stop()
        _ = await ending
        #expect(bench.news.all.contains { if case .foundReceipt = $0 { true } else { false } })
    }

    private static func note(at time: Int64, key: String = "2026/ü report.csv") -> ScriptedCloud.Answer {
        Answers.xml(
            #"{"note":1,"delivery":"\#(Delivery.id)","key":"\#(key)","run":"another","at":\#(time),"#
                + #""upload":{"id":"U1","bucket":"acme-inbox","key":"from-orga/\#(key)","isCompleting":false}}"#)
    }

    private static let parts = Answers.xml(
        "<ListPartsResult>"
            + (1...12).map { "<Part><PartNumber>\($0)</PartNumber><ETag>\"p\"</ETag><Size>\(512 << 20)</Size></Part>" }.joined()
            + "</ListPartsResult>")

    private static let completed = Answers.xml(
        "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>", key: Answers.inboxKey)

    private static let now: Int64 = 1_795_435_200

    private static func begun(_ bench: Bench) -> Bool {
        bench.cloud.requests.contains { $0.method == "POST" && $0.url.contains("?uploads") }
    }

    @Test("an upload that another publisher is at is left to it, and gone on with when its note is old")
    func goesOn() async throws {
        let busy = try Bench(
            [], [.headRepository: [Self.large], .other: [Bench.nothingListed, Bench.listed, Self.note(at: Self.now - 100)]])
        #expect(await busy.service.run(.reconcileOnly).postponed == 1)
        #expect(busy.codes == ["under-way"])
        #expect(!Self.begun(busy) && busy.cloud.requests(.put).isEmpty)
        let dead = try Bench(
            [],
            [
                .headRepository: [Self.large],
                .other: [Bench.nothingListed, Bench.listed, Self.note(at: Self.now - 121), Self.parts, Self.completed],
            ])
        let ending = await dead.service.run(.reconcileOnly)
        #expect(ending.published == 1 && ending.isComplete, "\(dead.news.all)")
        #expect(!Self.begun(dead) && dead.cloud.requests(.copy).isEmpty)
        #expect(dead.cloud.requests.contains { $0.method == "POST" && $0.url.contains("uploadId=U1") })
    }

    @Test("a note about another key than the delivery's own is not gone on with")
    func forgedNotes() async throws {
        let opened = Answers.xml(
            "<InitiateMultipartUploadResult><UploadId>U2</UploadId></InitiateMultipartUploadResult>", key: Answers.inboxKey)
        let bench = try Bench(
            [],
            [
                .headRepository: [Self.large], .headInbox: [Answers.status(404)],
                .other: [
                    Bench.nothingListed, Bench.listed, Self.note(at: Self.now - 999, key: "somebody/elses.csv"), opened,
                    Self.completed,
                ],
                .copy: [Answers.xml("<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>")],
            ])
        #expect(await bench.service.run(.reconcileOnly).published == 1, "\(bench.news.all)")
        #expect(Self.begun(bench))
        #expect(!bench.cloud.requests.contains { $0.url.contains("uploadId=U1") })
    }
}

@Suite("How long a message waits for its next reception")
struct ReceptionPauseTests {
    @Test("a good message outlasts an hour of trouble, however soon its queue gives up", arguments: 2...30)
    func outlasts(_ receptions: Int) {
        let pauses = (1..<receptions).map { ReceptionPause.after(reception: $0, .after(receptions: receptions)) }
        #expect(pauses.reduce(.zero, +) >= .seconds(7_200))
        #expect(pauses.allSatisfy { $0 <= SQS.longestVisibility })
        #expect(pauses == pauses.sorted())
        if receptions > 3 { #expect(pauses[0] < .seconds(60)) }
    }

    @Test("where nothing is given up it is 5 s, twice as long each time, 15 min at most")
    func doubles() {
        let pauses = (1...10).map { ReceptionPause.after(reception: $0, .never) }
        #expect(pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900].map { Duration.seconds($0) })
    }

    @Test("a queue that cannot be asked is taken for one that gives up soon")
    func unknown() {
        for reception in 1...9 {
            #expect(
                ReceptionPause.after(reception: reception, .unknown)
                    == ReceptionPause.after(reception: reception, .after(receptions: 5)))
        }
    }
}
