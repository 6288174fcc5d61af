import GRDB
import PouchJournal
import PouchKit
import Testing

@Suite("Seals in the journal")
struct SealTests {
    private static let seal = SealRecord(
        size: 4_711,
        digests: FileDigests(sha256: Sample.digest(of: Array("sealed".utf8)), crc64nvme: CRC64NVME(.max - 1)),
        recipients: [Sample.digest(of: [1]), Sample.digest(of: [2])]
    )

    private func sealed(_ journal: Journal, _ delivery: DeliveryID) async throws {
        try await journal.record(Self.seal, of: Sample.digests, for: delivery, at: Sample.time(3)).value()
    }

    @Test("a seal is kept with the file's own digests, through a crash, and told in the story")
    func isKept() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let delivery = try await journal.admitOne().delivery
        #expect(try await journal.delivery(delivery)?.seal == nil)
        journal.begin(delivery, attempt: 1, stage: .storing, at: Sample.time(2))
        try await sealed(journal, delivery)
        let restarted = try await folder.crashImage().open()
        let due = try await restarted.due(partner: Sample.acme, now: Sample.time(4), limit: 10)
        #expect(due.map(\.seal) == [Self.seal] && due.map(\.file.digests) == [Sample.digests])
        let story = try #require(try await restarted.trace("seeds.csv").first)
        #expect(story.seal == Self.seal)
        #expect(story.events.contains { $0.kind == .sealed && $0.detail.contains("4711 bytes, for 2 certificates") })
        await restarted.close()
        await journal.close()
    }

    @Test("a seal stays when its delivery is done")
    func outlivesDelivery() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let delivery = try await journal.admitOne().delivery
        try await sealed(journal, delivery)
        try await journal.complete(delivery).value()
        #expect(try await journal.delivery(delivery)?.seal == Self.seal)
        let refused = await #expect(throws: JournalFailure.self) { try await sealed(journal, delivery) }
        #expect(refused?.kind == .outOfPlace)
        await journal.close()
    }

    @Test("a source that changed takes the seals of what is not delivered with it, those of held deliveries too")
    func changedSource() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let ids = (0..<3).map { _ in DeliveryID.random() }
        let partners = ["acme", "globex", "initech"].map(PartnerName.init(unchecked:))
        let deliveries = try zip(ids, partners).map { try Sample.delivery($0, to: $1) }
        guard case .admitted(let file) = try await journal.admit(Sample.admission(deliveries)).value() else {
            Issue.record("it was not admitted")
            return
        }
        for id in ids { try await sealed(journal, id) }
        try await journal.complete(ids[0]).value()
        _ = try await journal.fail(ids[1], failure: Sample.failure(.hold), at: Sample.time(4), next: .held).value()
        _ = try await journal.retake(file: file, identity: Sample.identity(2, size: 7), at: Sample.time(5)).value()
        var seals: [SealRecord?] = []
        for id in ids { seals.append(try await journal.delivery(id)?.seal) }
        #expect(seals == [Self.seal, nil, nil])
        await journal.close()
    }

    @Test("a journal of the first version is brought up to date, with all that is in it")
    func firstVersion() async throws {
        let folder = try JournalFolder()
        let old = try DatabaseQueue(path: folder.database)
        try await old.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF; BEGIN; \(JournalOfVersion1.dump); COMMIT")
        }
        try old.close()
        var journal = try await folder.open()
        #expect(!journal.report.isNew && journal.report.damage == nil && journal.report.wasClosedCleanly)
        let stories = try await journal.trace("seeds.csv")
        #expect(stories.map(\.summary.state) == [.held, .delivered])
        #expect(stories.last?.receipt?.location == "file:///srv/in/seeds.csv")
        #expect(try await journal.heldPartners().map(\.partner) == [Sample.globex])
        let held = try #require(stories.first?.summary.id)
        _ = try await journal.release(Sample.globex, at: Sample.time(1)).value()
        try await sealed(journal, held)
        await journal.close()
        journal = try await folder.open()
        #expect(try await journal.delivery(held)?.seal == Self.seal)
        #expect(try await journal.snapshot(now: Sample.time(2)).total.unaccounted == 0)
        await journal.close()
    }
}
