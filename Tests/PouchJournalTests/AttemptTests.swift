import PouchJournal
import PouchKit
import Testing

@Suite("Attempts at a delivery")
struct AttemptTests {
    @Test("an attempt is counted when it begins, and the delivery is not due while it runs")
    func begins() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        try await journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2)).value()
        let delivery = try #require(try await journal.delivery(id))
        #expect(delivery.state == .storing && delivery.attempts == 1)
        #expect(try await journal.due(partner: Sample.acme, now: Sample.time(9), limit: 10).isEmpty)
        #expect(try await journal.nextDue(partner: Sample.acme) == nil)
        await journal.close()
    }

    @Test("a checkpoint is kept with its state, and replaced by the next one")
    func checkpoints() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2))
        journal.save(Sample.checkpoint("one"), of: id, state: .storing, at: Sample.time(3))
        try await journal.save(Sample.checkpoint("two"), of: id, state: .stored, at: Sample.time(4)).value()
        let delivery = try #require(try await journal.delivery(id))
        #expect(delivery.checkpoint == Sample.checkpoint("two"))
        #expect(delivery.state == .stored)
        #expect(try await journal.due(partner: Sample.acme, now: Sample.time(9), limit: 10).isEmpty)
        await journal.close()
    }

    @Test("digests belong to the file: all its partners see them")
    func digests() async throws {
        let journal = try await JournalFolder().open()
        let ids = [DeliveryID.random(), .random()]
        try journal.admit(Sample.admission([Sample.delivery(ids[0]), Sample.delivery(ids[1], to: Sample.globex)]))
        try await journal.record(digests: Sample.digests, ofFileOf: ids[0]).value()
        #expect(try await journal.delivery(ids[1])?.file.digests == Sample.digests)
        await journal.close()
    }

    @Test("a failed attempt waits for its time, and keeps what was stored")
    func retries() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2))
        journal.save(Sample.checkpoint(), of: id, state: .stored, at: Sample.time(3))
        journal.begin(id, attempt: 1, stage: .publishing, at: Sample.time(4))
        let progress = try await journal.fail(id, failure: Sample.failure(), at: Sample.time(5), next: .retry(at: Sample.time(60)))
            .value()
        #expect(progress.states == [.stored] && !progress.isFinished)
        #expect(try await journal.due(partner: Sample.acme, now: Sample.time(59), limit: 10).isEmpty)
        #expect(try await journal.nextDue(partner: Sample.acme) == Sample.time(60))
        let delivery = try #require(try await journal.due(partner: Sample.acme, now: Sample.time(60), limit: 10).first)
        #expect(delivery.checkpoint == Sample.checkpoint())
        #expect(delivery.notBefore == Sample.time(60))
        #expect(
            delivery.failure
                == RecordedFailure(
                    at: Sample.time(5), code: "SlowDown", attempt: "store seeds.csv", cause: "SlowDown (503)", hint: "wait"))
        await journal.close()
    }

    @Test("what waited comes in order of admission with what was never tried")
    func mixedOrder() async throws {
        let journal = try await JournalFolder().open()
        var ids: [DeliveryID] = []
        for number in 0..<6 { ids.append(try await journal.admitOne("file-\(number)").delivery) }
        for (index, time) in [(1, 30), (4, 10), (5, 99)] {
            journal.begin(ids[index], attempt: 1, stage: .storing, at: Sample.time(2))
            try await journal.fail(
                ids[index], failure: Sample.failure(), at: Sample.time(3), next: .retry(at: Sample.time(Int64(time)))
            ).value()
        }
        let due = try await journal.due(partner: Sample.acme, now: Sample.time(30), limit: 10)
        #expect(due.map(\.id) == Array(ids[0...4]))
        let page = try await journal.due(partner: Sample.acme, now: Sample.time(30), after: due[0].sequence, limit: 2)
        #expect(page.map(\.id) == Array(ids[1...2]))
        await journal.close()
    }

    @Test("a completed delivery has its receipt and its line, and its checkpoint is gone")
    func completes() async throws {
        let journal = try await JournalFolder().open()
        let (file, id) = try await journal.admitOne()
        journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2))
        journal.save(Sample.checkpoint(), of: id, state: .publishing, at: Sample.time(3))
        let progress = try await journal.complete(id).value()
        #expect(progress.file.id == file && progress.states == [.delivered] && progress.isFinished)
        #expect(try await journal.delivery(id)?.checkpoint == nil)
        let story = try #require(try await journal.trace(id.description).first)
        #expect(story.receipt == Sample.receipt && story.manifestSequence == 1)
        #expect(try await journal.outbox(limit: 10).count == 1)
        await journal.close()
    }

    @Test("completing twice writes one line")
    func completesOnce() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        let first = journal.complete(id)
        let second = journal.complete(id)
        #expect(try await first.value() == second.value())
        #expect(try await journal.head().sequence == 2)
        #expect(try await journal.snapshot(now: Sample.time(9)).total.delivered == 1)
        await journal.close()
    }

    @Test("quarantining twice writes one line")
    func quarantinesOnce() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        let first = journal.quarantine(id)
        let second = journal.quarantine(id)
        #expect(try await first.value() == second.value())
        #expect(try await journal.head().sequence == 2)
        await journal.close()
    }

    @Test("a file is finished when its last delivery is")
    func fanOut() async throws {
        let journal = try await JournalFolder().open()
        let ids = [DeliveryID.random(), .random()]
        try journal.admit(Sample.admission([Sample.delivery(ids[0]), Sample.delivery(ids[1], to: Sample.globex)]))
        let first = try await journal.complete(ids[0]).value()
        #expect(first.states == [.delivered, .waiting] && !first.isFinished)
        let second = try await journal.quarantine(ids[1]).value()
        #expect(second.states == [.delivered, .quarantined] && second.isFinished)
        await journal.close()
    }

    @Test("what has ended or is held does not begin again", arguments: [DeliveryState.delivered, .held, .quarantined])
    func staysEnded(state: DeliveryState) async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        switch state {
        case .delivered: journal.complete(id)
        case .held: journal.fail(id, failure: Sample.failure(.hold), at: Sample.time(2), next: .held)
        default: journal.quarantine(id)
        }
        let begin = await #expect(throws: JournalFailure.self) {
            try await journal.begin(id, attempt: 2, stage: .storing, at: Sample.time(3)).value()
        }
        #expect(begin?.kind == .outOfPlace)
        let save = await #expect(throws: JournalFailure.self) {
            try await journal.save(Sample.checkpoint(), of: id, state: .storing, at: Sample.time(3)).value()
        }
        #expect(save?.kind == .outOfPlace)
        #expect(try await journal.delivery(id)?.state == state)
        await journal.close()
    }

    @Test("a quarantined delivery cannot be completed, nor a delivered one fail")
    func endsOnce() async throws {
        let journal = try await JournalFolder().open()
        let one = try await journal.admitOne("one").delivery
        let other = try await journal.admitOne("other").delivery
        journal.quarantine(one)
        journal.complete(other)
        await #expect(throws: JournalFailure.self) { try await journal.complete(one).value() }
        await #expect(throws: JournalFailure.self) { try await journal.quarantine(other).value() }
        #expect(try await journal.head().sequence == 3)
        await journal.close()
    }

    @Test("an unknown delivery is refused by name")
    func unknown() async throws {
        let journal = try await JournalFolder().open()
        let id = DeliveryID.random()
        let failure = await #expect(throws: JournalFailure.self) { try await journal.complete(id).value() }
        #expect(failure?.kind == .unknown)
        #expect(failure?.description == "could not complete delivery \(id): no delivery has the id \(id)")
        await journal.close()
    }

    @Test("a manifest line for another position than the next is refused, and nothing changes")
    func wrongLine() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        await #expect(throws: JournalFailure.self) {
            try await journal.complete(id, receipt: Sample.receipt, at: Sample.time(3)) { position in
                ManifestLine(sequence: position.sequence + 1, bytes: [], digest: position.previous)
            }.value()
        }
        #expect(try await journal.delivery(id)?.state == .waiting)
        #expect(try await journal.head() == .first)
        #expect(try await journal.outbox(limit: 10).isEmpty)
        await journal.close()
    }
}
