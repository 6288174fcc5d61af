import Dispatch
import PouchJournal
import PouchKit
import Synchronization
import Testing

/// Counts commits, and can keep the journal's thread in the first one, so that operations pile up behind it.
private final class Commits: Sendable {
    private let seen = Mutex<[JournalCommit]>([])
    private let gate = DispatchSemaphore(value: 0)

    var all: [JournalCommit] { seen.withLock { $0 } }
    func letGo() { gate.signal() }

    var options: JournalOptions {
        JournalOptions(
            onCommit: { [self] commit in
                let isFirst = seen.withLock { seen in
                    seen.append(commit)
                    return seen.count == 1
                }
                if isFirst { gate.wait() }
            },
            largestBatch: 512
        )
    }
}

@Suite("Group commit")
struct GroupCommitTests {
    @Test("a thousand operations at once share a handful of commits")
    func shares() async throws {
        let commits = Commits()
        let journal = try await JournalFolder().open(options: commits.options)
        let first = try journal.admit(Sample.admission("first", [Sample.delivery(.random())]))
        let tickets = try (0..<1_000).map { number in
            try journal.admit(Sample.admission("file-\(number)", [Sample.delivery(.random())]))
        }
        commits.letGo()
        try await first.value()
        for ticket in tickets { try await ticket.value() }
        let all = commits.all
        // The first may have been alone, or have found some of the others waiting; no batch is larger than 512.
        #expect(all.count <= 4)
        #expect(all.allSatisfy { $0.operations.count <= 512 })
        #expect(all.flatMap(\.operations).count == 1_001)
        #expect(all.map(\.number) == Array(1...all.count))
        #expect(try await journal.snapshot(now: Sample.time(2)).total.waiting == 1_001)
        await journal.close()
    }

    @Test("a thousand concurrent callers wait for far fewer commits than they make operations")
    func concurrentCallers() async throws {
        let count = Mutex(0)
        let options = JournalOptions(onCommit: { _ in count.withLock { $0 += 1 } })
        let journal = try await JournalFolder().open(options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<1_000 {
                group.addTask { _ = try await journal.admit(Sample.admission("f-\(number)", [Sample.delivery(.random())])).value() }
            }
            try await group.waitForAll()
        }
        #expect(count.withLock { $0 } < 500)
        #expect(try await journal.snapshot(now: Sample.time(2)).total.waiting == 1_000)
        await journal.close()
    }

    @Test("a redeemed ticket means that everything submitted before it is on disk")
    func order() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        var ids: [DeliveryID] = []
        for number in 0..<200 {
            let id = DeliveryID.random()
            ids.append(id)
            try journal.admit(Sample.admission("file-\(number)", [Sample.delivery(id)]))
            journal.begin(id, attempt: 1, stage: .storing, at: Sample.time(2))
        }
        try await journal.complete(ids[199]).value()
        let image = try await folder.crashImage().open()
        #expect(image.report.interrupted == 199)
        #expect(try await image.snapshot(now: Sample.time(3)).total.admitted == 200)
        await image.close()
        await journal.close()
    }

    @Test("an operation that fails in a batch fails alone")
    func failsAlone() async throws {
        let commits = Commits()
        let journal = try await JournalFolder().open(options: commits.options)
        let first = try journal.admit(Sample.admission("first", [Sample.delivery(.random())]))
        let id = DeliveryID.random()
        let before = try journal.admit(Sample.admission("before", [Sample.delivery(id, to: PartnerName("before"))]))
        // It adds a partner and a file before it meets the id that is taken.
        let failing = try journal.admit(
            Sample.admission("failing", [Sample.delivery(.random(), to: PartnerName("lost")), Sample.delivery(id)]))
        let after = try journal.admit(Sample.admission("after", [Sample.delivery(.random(), to: PartnerName("lost"))]))
        commits.letGo()
        try await first.value()
        #expect(try await before.value() == .admitted(file: 2))
        await #expect(throws: JournalFailure.self) { try await failing.value() }
        guard case .admitted(let file) = try await after.value() else {
            Issue.record("not admitted")
            return
        }
        #expect(try await journal.progress(ofFile: file)?.file.path.description == "after")
        let snapshot = try await journal.snapshot(now: Sample.time(2))
        #expect(snapshot.total.admitted == 3 && snapshot.total.unaccounted == 0)
        #expect(snapshot.partners.map(\.partner.description) == ["acme", "before", "lost"])
        #expect(commits.all.flatMap(\.operations) == [.admit, .admit, .admit])
        await journal.close()
    }

    @Test("closing commits what is queued; what comes later is refused")
    func closes() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let tickets = try (0..<100).map { try journal.admit(Sample.admission("file-\($0)", [Sample.delivery(.random())])) }
        await journal.close()
        await journal.close()
        for ticket in tickets { try await ticket.value() }
        let late = await #expect(throws: JournalFailure.self) { try await journal.finish(file: 1, at: Sample.time(2)).value() }
        #expect(late?.kind == .closed)
        let question = await #expect(throws: JournalFailure.self) { try await journal.snapshot(now: Sample.time(2)) }
        #expect(question?.kind == .closed)
        let again = try await folder.open()
        #expect(try await again.snapshot(now: Sample.time(2)).total.admitted == 100)
        await again.close()
    }

    @Test("run returns when the journal was closed")
    func runs() async throws {
        let journal = try await JournalFolder().open()
        async let running: Void = journal.run()
        await journal.close()
        try await running
    }

    @Test("run returns when its task is cancelled, and the journal stays open")
    func cancelledRun() async throws {
        let journal = try await JournalFolder().open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await journal.run() }
            group.cancelAll()
            try await group.waitForAll()
        }
        _ = try await journal.admitOne()
        await journal.close()
    }
}
