import PouchJournal
import PouchKit
import Testing

@Suite("Holding, releasing, trying again")
struct HoldTests {
    @Test("a held partner is held after a restart, with its reason")
    func survives() async throws {
        let folder = try JournalFolder()
        var journal = try await folder.open()
        #expect(try await journal.hold(Sample.acme, code: "AccessDenied", reason: "no key", at: Sample.time(2)).value())
        await journal.close()
        journal = try await folder.open()
        let held = try await journal.heldPartners()
        #expect(held == [HeldPartner(partner: Sample.acme, code: "AccessDenied", reason: "no key", since: Sample.time(2))])
        await journal.close()
    }

    @Test("holding again is news only for another code")
    func oncePerCause() async throws {
        let journal = try await JournalFolder().open()
        #expect(try await journal.hold(Sample.acme, code: "A", reason: "first", at: Sample.time(2)).value())
        #expect(try await !journal.hold(Sample.acme, code: "A", reason: "again", at: Sample.time(3)).value())
        #expect(try await journal.hold(Sample.acme, code: "B", reason: "other", at: Sample.time(4)).value())
        #expect(try await journal.heldPartners().map(\.reason) == ["other"])
        await journal.close()
    }

    @Test("release lets the partner's held deliveries wait again, and nobody else's")
    func releases() async throws {
        let journal = try await JournalFolder().open()
        let mine = try await journal.admitOne("one").delivery
        let other = try await journal.admitOne("two", to: Sample.globex).delivery
        for id in [mine, other] { journal.fail(id, failure: Sample.failure(.hold), at: Sample.time(2), next: .held) }
        journal.hold(Sample.acme, code: "A", reason: "r", at: Sample.time(2))
        let release = try await journal.release(Sample.acme, at: Sample.time(3)).value()
        #expect(release == Release(wasHeld: true, deliveries: 1))
        #expect(try await journal.due(partner: Sample.acme, now: Sample.time(3), limit: 10).map(\.id) == [mine])
        #expect(try await journal.delivery(other)?.state == .held)
        #expect(try await journal.heldPartners().isEmpty)
        #expect(try await journal.release(Sample.acme, at: Sample.time(4)).value() == Release(wasHeld: false, deliveries: 0))
        await journal.close()
    }

    @Test("a held delivery that is tried again keeps its id and its checkpoint")
    func retriesHeld() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2))
        journal.save(Sample.checkpoint("half"), of: id, state: .storing, at: Sample.time(2))
        journal.fail(id, failure: Sample.failure(.hold), at: Sample.time(3), next: .held)
        let outcome = try await journal.retry(id, as: .random(), at: Sample.time(4)).value()
        guard case .waitingAgain(let progress) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(progress.states == [.waiting])
        let delivery = try #require(try await journal.due(partner: Sample.acme, now: Sample.time(4), limit: 1).first)
        #expect(delivery.id == id && delivery.checkpoint == Sample.checkpoint("half") && delivery.attempts == 1)
        await journal.close()
    }

    @Test("a quarantined delivery that is tried again becomes a new delivery, and its file is open again")
    func retriesQuarantined() async throws {
        let journal = try await JournalFolder().open()
        let (file, old) = try await journal.admitOne()
        journal.quarantine(old)
        try await journal.finish(file: file, at: Sample.time(9)).value()
        let new = DeliveryID.random()
        let outcome = try await journal.retry(old, as: new, at: Sample.time(10)).value()
        guard case .newDelivery(new, let progress) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(progress.states == [.waiting] && progress.file.finished == nil)
        let delivery = try #require(try await journal.due(partner: Sample.acme, now: Sample.time(10), limit: 1).first)
        #expect(
            delivery.id == new && delivery.retries == old && delivery.attempts == 0 && delivery.key.description == "eu/seeds.csv")
        #expect(try await journal.delivery(old)?.state == .quarantined)
        try await journal.complete(new).value()
        let snapshot = try await journal.snapshot(now: Sample.time(11))
        #expect(snapshot.quarantined.isEmpty)
        #expect(snapshot.total.admitted == 2 && snapshot.total.quarantined == 1 && snapshot.total.retried == 1)
        #expect(snapshot.total.delivered == 1 && snapshot.total.unaccounted == 0)
        #expect(snapshot.folders.map(\.files.delivered) == [1])
        #expect(try await journal.trace(old.description).first?.retriedBy == new)
        await journal.close()
    }

    @Test("a delivery is tried again once, and only when it is held or quarantined")
    func retriesOnce() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        await #expect(throws: JournalFailure.self) { try await journal.retry(id, as: .random(), at: Sample.time(2)).value() }
        journal.quarantine(id)
        try await journal.retry(id, as: .random(), at: Sample.time(3)).value()
        await #expect(throws: JournalFailure.self) { try await journal.retry(id, as: .random(), at: Sample.time(4)).value() }
        await journal.close()
    }

    @Test("a clock that was set back leaves nobody waiting for years")
    func bringsForward() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        journal.fail(id, failure: Sample.failure(), at: Sample.time(0), next: .retry(at: Sample.time(300_000_000)))
        let moved = try await journal.bringForward(waitsBeyond: Sample.time(86_400), to: Sample.time(5)).value()
        #expect(moved == 1)
        #expect(try await journal.nextDue(partner: Sample.acme) == Sample.time(5))
        await journal.close()
    }
}
