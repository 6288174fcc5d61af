import Foundation
import GRDB
import PouchJournal
import PouchKit
import Testing

@Suite("Opening the journal")
struct OpeningTests {
    /// Where SQLite's header keeps `PRAGMA user_version` and `PRAGMA application_id`.
    private static let userVersion: UInt64 = 60
    private static let applicationID: UInt64 = 68

    @Test("a new journal says so, and an old one that was closed says that")
    func report() async throws {
        let folder = try JournalFolder()
        var journal = try await folder.open()
        #expect(journal.report.isNew && journal.report.wasClosedCleanly && journal.report.damage == nil)
        await journal.close()
        #expect(try folder.names == ["journal.sqlite"])
        journal = try await folder.open(agent: "edge-02")
        #expect(!journal.report.isNew && journal.report.wasClosedCleanly && journal.report.formerAgent == "edge-01")
        #expect(try await journal.snapshot(now: Sample.time(1)).agent == "edge-02")
        await journal.close()
    }

    @Test("after a crash everything whose ticket was redeemed is there, and what ran waits again at once")
    func crash() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let running = try await journal.admitOne("running").delivery
        let publishing = try await journal.admitOne("publishing").delivery
        let done = try await journal.admitOne("done").delivery
        for id in [running, publishing] { journal.begin(id, attempt: 3, stage: .storing, at: Sample.time(2)) }
        journal.save(Sample.checkpoint(), of: publishing, state: .publishing, at: Sample.time(3))
        try await journal.complete(done).value()
        let restarted = try await folder.crashImage().open()
        #expect(!restarted.report.wasClosedCleanly && restarted.report.interrupted == 2 && !restarted.report.isNew)
        let due = try await restarted.due(partner: Sample.acme, now: Sample.time(4), limit: 10)
        #expect(due.map(\.id) == [running, publishing])
        #expect(due.map(\.state) == [.waiting, .stored])
        #expect(due.map(\.attempts) == [3, 3])
        #expect(due[1].checkpoint == Sample.checkpoint())
        #expect(try await restarted.outbox(limit: 10).map(\.sequence) == [1])
        #expect(try await restarted.delivery(done)?.state == .delivered)
        let snapshot = try await restarted.snapshot(now: Sample.time(4))
        #expect(snapshot.total.unaccounted == 0 && snapshot.total.waiting == 1 && snapshot.total.stored == 1)
        await restarted.close()
        await journal.close()
    }

    @Test("a journal of a later Pouch is refused, naming both versions, and is not touched")
    func newerSchema() async throws {
        let folder = try JournalFolder()
        await (try folder.open()).close()
        try folder.overwrite(at: Self.userVersion, with: [0, 0, 0, 77])
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let failure = await #expect(throws: JournalFailure.self) { try await folder.open() }
        #expect(failure?.kind == .newerSchema)
        #expect(failure?.cause == "it was written with schema version 77, this Pouch knows versions up to 3")
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)) == before)
        #expect(try folder.names == ["journal.sqlite"])
    }

    /// The list of migrations is made in a transaction of its own, before the first of them.
    @Test("a journal whose very first opening was killed between its transactions is begun again")
    func killedAtBirth() async throws {
        let folder = try JournalFolder()
        let queue = try DatabaseQueue(path: folder.database)
        try await queue.write { db in
            try db.execute(sql: "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
        }
        try queue.close()
        let journal = try await folder.open()
        #expect(journal.report.isNew && journal.report.damage == nil)
        try await journal.complete(journal.admitOne("first").delivery).value()
        await journal.close()
    }

    @Test("somebody else's database is refused and not touched")
    func foreign() async throws {
        let folder = try JournalFolder()
        await (try folder.open()).close()
        try folder.overwrite(at: Self.applicationID, with: [1, 2, 3, 4])
        let failure = await #expect(throws: JournalFailure.self) { try await folder.open() }
        #expect(failure?.kind == .notAJournal)
        #expect(try folder.names == ["journal.sqlite"])
    }

    @Test("a file that is no database is kept aside, and a new journal is begun", arguments: [0x00, 0x5A] as [UInt8])
    func garbage(byte: UInt8) async throws {
        let folder = try JournalFolder()
        let bytes = [UInt8](repeating: byte, count: 20_000)
        try Data(bytes).write(to: URL(fileURLWithPath: folder.database))
        let journal = try await folder.open()
        let damage = try #require(journal.report.damage)
        #expect(damage.keptAt == folder.database + ".damaged-20270115T080000Z")
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: damage.keptAt))) == bytes)
        #expect(journal.report.isNew)
        _ = try await journal.admitOne()
        await journal.close()
    }

    /// A journal with enough files in it that its second half holds rows, closed.
    private func filled() async throws -> JournalFolder {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let tickets = try (0..<2_000).map { try journal.admit(Sample.admission("file-\($0)", [Sample.delivery(.random())])) }
        for ticket in tickets { try await ticket.value() }
        await journal.close()
        return folder
    }

    private func garbleRows(of folder: JournalFolder) throws {
        let size = UInt64(try folder.size)
        for page in stride(from: size / 8_192 * 4_096, to: size, by: 4_096) {
            try folder.overwrite(at: page, with: [UInt8](repeating: 0x5A, count: 4_096))
        }
    }

    @Test("a database that a crash left garbled is kept aside with its WAL; a second one beside it")
    func garbled() async throws {
        let folder = try await filled()
        let journal = try await folder.open()
        _ = try await journal.admitOne()
        let image = try folder.crashImage()
        await journal.close()
        for number in 1...2 {
            for suffix in ["", "-wal"] {
                try? FileManager.default.removeItem(atPath: folder.database + suffix)
                try FileManager.default.copyItem(atPath: image.database + suffix, toPath: folder.database + suffix)
            }
            try garbleRows(of: folder)
            let fresh = try await folder.open()
            let damage = try #require(fresh.report.damage)
            #expect(fresh.report.isNew && damage.cause.hasPrefix("quick_check after a crash: "))
            #expect(damage.keptAt.hasSuffix(number == 1 ? ".damaged-20270115T080000Z" : ".damaged-20270115T080000Z-2"))
            let kept = try FileManager.default.attributesOfItem(atPath: damage.keptAt + "-wal")[.size] as? Int
            #expect(kept ?? 0 > 0)
            #expect(try await fresh.snapshot(now: Sample.time(1)).total.admitted == 0)
            await fresh.close()
        }
    }

    @Test("damage that shows while the journal is used ends run, and the next opening keeps the database aside")
    func damageInUse() async throws {
        let folder = try await filled()
        try garbleRows(of: folder)
        var journal = try await folder.open()
        #expect(journal.report.damage == nil)
        let failure = await #expect(throws: JournalFailure.self) { try await journal.trace("missing") }
        try #require(failure?.kind == .damaged)
        let ended = await #expect(throws: JournalFailure.self) { try await journal.run() }
        #expect(ended?.kind == .damaged)
        await journal.close()
        journal = try await folder.open()
        #expect(journal.report.damage != nil)
        _ = try await journal.admitOne()
        await journal.close()
    }

    @Test("a journal in a folder that does not exist is refused with the reason")
    func noFolder() async throws {
        let folder = try JournalFolder()
        let failure = await #expect(throws: JournalFailure.self) {
            try await Journal.open(at: folder.path + "/missing/journal.sqlite", agent: "edge-01")
        }
        #expect(failure?.kind == .cannotOpen && failure?.hint != nil)
    }

    @Test("questions are answered without an agent, after a clean end and after a crash")
    func offline() async throws {
        let folder = try JournalFolder()
        let journal = try await folder.open()
        let (_, id) = try await journal.admitOne()
        for place in [folder, try folder.crashImage()] {
            let reader = try await Journal.openReadOnly(at: place.database)
            #expect(try await reader.snapshot(now: Sample.time(2)).total.waiting == 1)
            #expect(try await reader.trace("seeds.csv").map(\.summary.id) == [id])
            await reader.close()
        }
        await journal.close()
        let reader = try await Journal.openReadOnly(at: folder.database)
        #expect(try await reader.head() == .first)
        await reader.close()
    }

    @Test("there is nothing to read where there is no journal, and none is begun")
    func offlineWithoutJournal() async throws {
        let folder = try JournalFolder()
        let failure = await #expect(throws: JournalFailure.self) { try await Journal.openReadOnly(at: folder.database) }
        #expect(failure?.kind == .cannotOpen)
        #expect(try folder.names.isEmpty)
    }
}
