import Foundation
import PouchJournal
import PouchKit
import Testing

@Suite("Status and traces")
struct StatusTests {
    @Test("the snapshot counts by partner and folder, and names what waits longest, what is stuck and what was done last")
    func snapshot() async throws {
        let journal = try await JournalFolder().open()
        let first = try await journal.admitOne("one").delivery
        let second = try await journal.admitOne("two").delivery
        let third = try await journal.admitOne("three", to: Sample.globex).delivery
        let both = [DeliveryID.random(), .random()]
        try journal.admit(
            Sample.admission("four", folder: "/srv/other", [Sample.delivery(both[0]), Sample.delivery(both[1], to: Sample.globex)]))
        journal.complete(second)
        journal.begin(both[0], attempt: 1, stage: .storing, at: Sample.time(2))
        journal.fail(third, failure: Sample.failure(.hold, code: "AccessDenied"), at: Sample.time(3), next: .held)
        journal.fail(first, failure: Sample.failure(), at: Sample.time(3), next: .retry(at: Sample.time(50)))
        try await journal.hold(Sample.globex, code: "AccessDenied", reason: "no key", at: Sample.time(4)).value()
        let snapshot = try await journal.snapshot(now: Sample.time(5))
        #expect(snapshot.at == Sample.time(5) && snapshot.agent == "edge-01")
        #expect(snapshot.total.admitted == 5 && snapshot.total.unaccounted == 0)
        let acme = try #require(snapshot.partners.first { $0.partner == Sample.acme })
        #expect(acme.counts.waiting == 1 && acme.counts.storing == 1 && acme.counts.delivered == 1 && acme.counts.onTheWay == 2)
        #expect(acme.oldestWaiting == Sample.time(1) && acme.nextAttempt == Sample.time(50))
        let globex = try #require(snapshot.partners.first { $0.partner == Sample.globex })
        #expect(globex.counts.held == 1 && globex.counts.waiting == 1 && globex.nextAttempt == Timestamp(seconds: 0))
        #expect(acme.retrying?.id == first && acme.retrying?.failure?.code == Sample.failure().code && globex.retrying == nil)
        #expect(snapshot.folders.map(\.folder) == ["/srv/drop", "/srv/other"])
        #expect(snapshot.folders[0].files.admitted == 3 && snapshot.folders[0].files.held == 1)
        #expect(snapshot.folders[0].files.delivered == 1 && snapshot.folders[0].files.onTheWay == 1)
        #expect(snapshot.folders[1].deliveries.admitted == 2 && snapshot.folders[1].files.onTheWay == 1)
        #expect(snapshot.folders.allSatisfy { $0.files.unaccounted == 0 })
        #expect(snapshot.heldPartners.map(\.reason) == ["no key"])
        #expect(snapshot.held.map(\.id) == [third])
        #expect(snapshot.lastDelivered.map(\.id) == [second] && snapshot.lastDelivered[0].ended == Sample.time(9))
        #expect(snapshot.manifest.sequence == 2 && snapshot.unwrittenLines == 1)
        let decoded = try JSONDecoder().decode(JournalSnapshot.self, from: JSONEncoder().encode(snapshot))
        #expect(decoded == snapshot)
        await journal.close()
    }

    @Test("what is stuck can be listed whole, page by page")
    func stuck() async throws {
        let journal = try await JournalFolder().open()
        var held: [DeliveryID] = []
        for number in 0..<12 {
            let id = try await journal.admitOne("file-\(number)").delivery
            if number.isMultiple(of: 2) {
                held.append(id)
                try await journal.fail(id, failure: Sample.failure(.hold), at: Sample.time(2), next: .held).value()
            } else {
                try await journal.quarantine(id).value()
            }
        }
        let first = try await journal.stuck(.held, limit: 4)
        let second = try await journal.stuck(.held, after: first.last?.sequence ?? 0, limit: 4)
        #expect((first + second).map(\.id) == held)
        #expect(try await journal.stuck(.quarantined, limit: 99).count == 6)
        await journal.close()
    }

    @Test("a delivery is found by path, by absolute path, by name, by id and by the id's beginning")
    func finds() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne("reports/2026/seeds.csv")
        _ = try await journal.admitOne("reports/2026/not-seeds.csv")
        for text in ["reports/2026/seeds.csv", "/srv/drop/reports/2026/seeds.csv", "seeds.csv", id.description, id.shortForm] {
            #expect(try await journal.trace(text).map(\.summary.id) == [id], "\(text)")
        }
        #expect(try await journal.trace("csv").isEmpty)
        #expect(try await journal.trace("").isEmpty)
        await journal.close()
    }

    @Test("a name that is not text is found as it is shown")
    func findsEscaped() async throws {
        let journal = try await JournalFolder().open()
        let path = try DropPath(bytes: [0xFF, UInt8(ascii: ".")])
        let admission = Admission(
            folder: "/srv/drop",
            path: path,
            identity: Sample.identity(),
            claim: ClaimRecord(id: "1", root: "/", inPlace: false),
            afterwards: "{}",
            at: Sample.time(1),
            deliveries: [try Sample.delivery(.random())]
        )
        try await journal.admit(admission).value()
        let story = try #require(try await journal.trace(path.description).first)
        #expect(story.summary.path == "\\xff." && story.pathBytes == "/y4=")
        await journal.close()
    }

    @Test("the story tells everything that happened, in order")
    func story() async throws {
        let journal = try await JournalFolder().open()
        let (file, id) = try await journal.admitOne()
        journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2))
        journal.fail(id, failure: Sample.failure(), at: Sample.time(3), next: .retry(at: Sample.time(4)))
        journal.begin(id, attempt: 2, stage: .storing, at: Sample.time(4))
        journal.record(digests: Sample.digests, ofFileOf: id)
        journal.save(Sample.checkpoint("a"), of: id, state: .storing, at: Sample.time(5))
        journal.save(Sample.checkpoint("b"), of: id, state: .publishing, at: Sample.time(6))
        journal.complete(id)
        try await journal.finish(file: file, at: Sample.time(10)).value()
        let story = try #require(try await journal.trace("seeds.csv").first)
        #expect(story.events.map(\.kind) == [.admitted, .began, .failed, .began, .reached, .delivered, .finished])
        #expect(story.events.map(\.at) == [1, 2, 3, 4, 6, 9, 10].map(Sample.time))
        #expect(story.events[1].detail == "attempt 1, storing")
        #expect(story.events[2].detail.contains("SlowDown (503)"))
        #expect(story.summary.state == .delivered && story.summary.attempts == 2)
        #expect(story.digests == Sample.digests && story.receipt == Sample.receipt)
        let decoded = try JSONDecoder().decode(DeliveryStory.self, from: JSONEncoder().encode(story))
        #expect(decoded == story)
        await journal.close()
    }

    @Test("a story that goes on for months keeps its beginning and its end")
    func longStory() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        for attempt in 1...400 {
            journal.begin(id, attempt: attempt, stage: .storing, at: Sample.time(Int64(attempt)))
            journal.fail(id, failure: Sample.failure(), at: Sample.time(Int64(attempt)), next: .retry(at: Sample.time(0)))
        }
        try await journal.complete(id).value()
        let events = try #require(try await journal.trace(id.description).first).events
        #expect(events.count == 501)
        #expect(events[1].detail == "attempt 1, storing")
        #expect(events.last?.kind == .delivered)
        await journal.close()
    }
}
