import PouchJournal
import PouchKit
import Testing

@Suite("The outbox of the manifest")
struct OutboxTests {
    @Test("lines are chained in order of their commits")
    func chain() async throws {
        let journal = try await JournalFolder().open()
        for number in 0..<5 {
            let (_, id) = try await journal.admitOne("file-\(number)")
            if number == 2 { journal.quarantine(id) } else { journal.complete(id) }
        }
        _ = try await journal.admitOne("last")
        let lines = try await journal.outbox(limit: 10)
        #expect(lines.map(\.sequence) == [1, 2, 3, 4, 5])
        var position = ManifestPosition.first
        for line in lines {
            #expect(line.bytes == Array("\(position.sequence) after \(position.previous)".utf8))
            #expect(line.digest == Sample.digest(of: line.bytes))
            position = ManifestPosition(sequence: line.sequence + 1, previous: line.digest)
        }
        #expect(try await journal.head() == position)
        await journal.close()
    }

    @Test("lines stay until they are written, across a crash")
    func survives() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        for number in 0..<4 { journal.complete(try await journal.admitOne("file-\(number)").delivery) }
        try await journal.written(upTo: 2).value()
        let restarted = try await folder.crashImage().open()
        #expect(try await restarted.outbox(limit: 1).map(\.sequence) == [3])
        #expect(try await restarted.outbox(limit: 9).map(\.sequence) == [3, 4])
        #expect(try await restarted.head().sequence == 5)
        #expect(try await restarted.snapshot(now: Sample.time(1)).unwrittenLines == 2)
        await restarted.close()
        await journal.close()
    }

    @Test("the head does not move for an operation that fails")
    func failureLeavesHead() async throws {
        let journal = try await JournalFolder().open()
        journal.complete(try await journal.admitOne().delivery)
        let head = try await journal.head()
        await #expect(throws: JournalFailure.self) { try await journal.complete(.random()).value() }
        let (_, id) = try await journal.admitOne("other")
        try await journal.fail(id, failure: Sample.failure(), at: Sample.time(3), next: .retry(at: Sample.time(4))).value()
        #expect(try await journal.outbox(limit: 9).count == 1)
        if head.sequence != 1 { #expect(try await journal.head() == head) }
        await journal.close()
    }

    @Test("a new journal goes on with the chain of the manifest that is there; one with a chain of its own does not")
    func continues() async throws {
        let journal = try await JournalFolder().open()
        let position = ManifestPosition(sequence: 42, previous: Sample.digests.sha256)
        try await journal.continueChain(from: position).value()
        try await journal.continueChain(from: position).value()
        journal.complete(try await journal.admitOne().delivery)
        _ = try await journal.admitOne("barrier")
        #expect(try await journal.outbox(limit: 9).map(\.sequence) == [42])
        let failure = await #expect(throws: JournalFailure.self) { try await journal.continueChain(from: position).value() }
        #expect(failure?.kind == .outOfPlace)
        await journal.close()
    }
}
