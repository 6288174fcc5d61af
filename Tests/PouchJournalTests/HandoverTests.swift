import PouchJournal
import PouchKit
import Testing

@Suite("Deliveries that another publisher finishes")
struct HandoverTests {
    private static let whole = Receipt(
        location: "s3://acme-inbox/eu/seeds.csv", key: "eu/seeds.csv", confirmation: .byQuestion,
        stages: Sample.receipt.stages + [StageRecord(stage: .publish, identity: nil, facts: [:], requests: 2, milliseconds: 3)])

    @Test("are given with our own receipt until word comes, and then have a second line and no third")
    func confirms() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let id = try await journal.admitOne().delivery
        let other = try await journal.admitOne("other").delivery
        try await journal.complete(id, receipt: Sample.receipt, isHandedOver: true, at: Sample.time(2), entry: Sample.entry).value()
        try await journal.complete(other, receipt: Sample.receipt, at: Sample.time(2), entry: Sample.entry).value()
        let waiting = try await journal.handedOver(to: Sample.acme, limit: 10)
        #expect(waiting.map(\.delivery.id) == [id])
        #expect(waiting.map(\.receipt) == [Sample.receipt])
        #expect(try await journal.handedOver(to: Sample.globex, limit: 10).isEmpty)
        #expect(try await journal.handedOver(to: Sample.acme, after: waiting[0].delivery.sequence, limit: 10).isEmpty)

        #expect(try await journal.confirm(id, receipt: Self.whole, at: Sample.time(3), entry: Sample.entry).value())
        #expect(try await journal.handedOver(to: Sample.acme, limit: 10).isEmpty)
        let story = try #require(try await journal.trace(id.description).first)
        #expect(story.receipt == Self.whole)
        #expect(story.manifestSequence == 3)
        #expect(story.summary.state == .delivered)
        let snapshot = try await journal.snapshot(now: Sample.time(4))
        #expect(snapshot.total.delivered == 2)
        #expect(snapshot.total.unaccounted == 0)
        #expect(snapshot.manifest.sequence == 4)

        #expect(try await !journal.confirm(id, receipt: Self.whole, at: Sample.time(5), entry: Sample.entry).value())
        #expect(try await !journal.confirm(other, receipt: Self.whole, at: Sample.time(5), entry: Sample.entry).value())
        #expect(try await journal.snapshot(now: Sample.time(6)).manifest.sequence == 4)
        await journal.close()
    }

    @Test("are remembered across restarts")
    func survives() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let id = try await journal.admitOne().delivery
        try await journal.complete(id, receipt: Sample.receipt, isHandedOver: true, at: Sample.time(2), entry: Sample.entry).value()
        await journal.close()
        let again = try await folder.open()
        #expect(try await again.handedOver(to: Sample.acme, limit: 10).map(\.delivery.id) == [id])
        await again.close()
    }
}
