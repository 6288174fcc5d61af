import PouchJournal
import PouchKit
import Testing

@Suite("A disk that is full")
struct DiskFullTests {
    /// Admits files until one does not fit; those that did, and how the others failed.
    private func fill(_ journal: Journal) async throws -> (
        admitted: [(file: Int64, delivery: DeliveryID)], failure: JournalFailure?
    ) {
        var admitted: [(file: Int64, delivery: DeliveryID)] = []
        var failure: JournalFailure?
        for round in 0..<100 where failure == nil {
            let ids = (0..<50).map { _ in DeliveryID.random() }
            let tickets = try ids.enumerated().map { number, id in
                try journal.admit(Sample.admission("file-\(round)-\(number)", [Sample.delivery(id)]))
            }
            for (id, ticket) in zip(ids, tickets) {
                do throws(JournalFailure) {
                    if case .admitted(let file) = try await ticket.value() { admitted.append((file, id)) }
                } catch {
                    failure = error
                }
            }
        }
        return (admitted, failure)
    }

    @Test("what does not fit fails as such, and what was there stays")
    func full() async throws {
        let journal = try await JournalFolder().open(options: JournalOptions(largestDatabase: 60))
        let (admitted, failure) = try await fill(journal)
        #expect(failure?.isDiskFull == true && failure?.isTransient == true)
        #expect(failure?.description.contains("hint: free space") == true)
        let snapshot = try await journal.snapshot(now: Sample.time(2))
        #expect(snapshot.total.waiting == admitted.count && snapshot.total.unaccounted == 0 && !admitted.isEmpty)
        // What needs no more room goes on in the same journal.
        try await journal.begin(admitted[0].delivery, attempt: 1, stage: .storing, at: Sample.time(2)).value()
        #expect(try await journal.delivery(admitted[0].delivery)?.state == .storing)
        await journal.close()
    }

    @Test("the journal goes on when there is room again")
    func back() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open(options: JournalOptions(largestDatabase: 60))
        let (admitted, _) = try await fill(journal)
        await journal.close()
        let roomy = try await folder.open()
        #expect(roomy.report.damage == nil && roomy.report.wasClosedCleanly)
        _ = try await roomy.admitOne("after")
        let snapshot = try await roomy.snapshot(now: Sample.time(4))
        #expect(snapshot.total.admitted == admitted.count + 1 && snapshot.total.unaccounted == 0)
        await roomy.close()
    }
}
