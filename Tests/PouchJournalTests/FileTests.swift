import PouchJournal
import PouchKit
import Testing

@Suite("The source of a file")
struct FileTests {
    @Test("a file is open until it is finished, and cannot be finished before its deliveries")
    func finishes() async throws {
        let journal = try await JournalFolder().open()
        let (file, id) = try await journal.admitOne()
        let failure = await #expect(throws: JournalFailure.self) {
            try await journal.finish(file: file, at: Sample.time(2)).value()
        }
        #expect(failure?.kind == .outOfPlace && failure?.cause == "its deliveries are waiting")
        journal.complete(id)
        try await journal.finish(file: file, at: Sample.time(3)).value()
        try await journal.finish(file: file, at: Sample.time(4)).value()
        #expect(try await journal.openFiles(limit: 10).isEmpty)
        #expect(try await journal.progress(ofFile: file)?.file.finished == Sample.time(3))
        await journal.close()
    }

    @Test("open files come page by page, in order of admission")
    func openFiles() async throws {
        let journal = try await JournalFolder().open()
        for number in 0..<10 {
            let (file, id) = try await journal.admitOne("file-\(number)")
            guard number.isMultiple(of: 3) else { continue }
            journal.complete(id)
            journal.finish(file: file, at: Sample.time(2))
        }
        _ = try await journal.admitOne("last")
        let first = try await journal.openFiles(limit: 4)
        let second = try await journal.openFiles(after: first.last?.id ?? 0, limit: 4)
        #expect((first + second).map(\.path.description) == [1, 2, 4, 5, 7, 8].map { "file-\($0)" } + ["last"])
        await journal.close()
    }

    @Test("a source that changed gets a new identity; its open deliveries begin again, ended ones stay")
    func retakes() async throws {
        let journal = try await JournalFolder().open()
        let ids = [DeliveryID.random(), .random()]
        let claim = "kept"
        let deliveries = try [Sample.delivery(ids[0]), Sample.delivery(ids[1], to: Sample.globex)]
        try await journal.admit(Sample.admission("seeds.csv", claim: claim, inPlace: true, deliveries)).value()
        let file = try #require(try await journal.fileOfClaim(claim))
        journal.record(digests: Sample.digests, ofFileOf: ids[0])
        journal.complete(ids[0])
        journal.begin(ids[1], attempt: 1, stage: .storing, at: Sample.time(2))
        journal.save(Sample.checkpoint(), of: ids[1], state: .stored, at: Sample.time(3))
        let changed = Sample.identity(2, size: 200)
        let progress = try await journal.retake(file: file.id, identity: changed, at: Sample.time(4)).value()
        #expect(progress.states == [.delivered, .waiting])
        #expect(progress.file.identity == changed && progress.file.digests == nil)
        let again = try #require(try await journal.due(partner: Sample.globex, now: Sample.time(4), limit: 1).first)
        #expect(again.checkpoint == nil && again.attempts == 1)
        #expect(try await journal.kept(folder: "/srv/drop", path: file.path) == changed)
        await journal.close()
    }

    @Test("what was taken last from the path of a kept source is remembered, until it is forgotten")
    func kept() async throws {
        let journal = try await JournalFolder().open()
        let path = try DropPath("mirror/seeds.csv")
        #expect(try await journal.kept(folder: "/srv/drop", path: path) == nil)
        for number in 1...2 {
            let identity = Sample.identity(UInt64(number))
            let admission = try Sample.admission(
                path.description, inPlace: true, identity: identity, [Sample.delivery(.random())])
            try await journal.admit(admission).value()
            #expect(try await journal.kept(folder: "/srv/drop", path: path) == identity)
        }
        #expect(try await journal.kept(folder: "/srv/other", path: path) == nil)
        try await journal.forgetKept(folder: "/srv/drop", path: path).value()
        #expect(try await journal.kept(folder: "/srv/drop", path: path) == nil)
        await journal.close()
    }

    @Test("a claim that was taken away from the drop folder is not remembered as kept")
    func claimed() async throws {
        let journal = try await JournalFolder().open()
        _ = try await journal.admitOne("seeds.csv")
        #expect(try await journal.kept(folder: "/srv/drop", path: DropPath("seeds.csv")) == nil)
        await journal.close()
    }

    @Test("a file that was moved is found under its new claim")
    func relocates() async throws {
        let journal = try await JournalFolder().open()
        let (file, _) = try await journal.admitOne()
        let claim = ClaimRecord(id: "elsewhere", root: "/var/lib/pouch/quarantine", inPlace: false)
        try await journal.relocate(file: file, to: claim, at: Sample.time(2)).value()
        #expect(try await journal.fileOfClaim("elsewhere")?.claim == claim)
        await journal.close()
    }

    @Test("pruning removes what was delivered and finished long ago, with its story; the counts stay")
    func prunes() async throws {
        let journal = try await JournalFolder().open()
        var ids: [DeliveryID] = []
        for number in 0..<6 {
            let (file, id) = try await journal.admitOne("file-\(number)")
            ids.append(id)
            if number == 4 { journal.quarantine(id) } else if number < 5 { journal.complete(id) }
            if number < 5 { try await journal.finish(file: file, at: Sample.time(Int64(number))).value() }
        }
        #expect(try await journal.prune(finishedBefore: Sample.time(3), limit: 2).value() == 2)
        #expect(try await journal.prune(finishedBefore: Sample.time(3), limit: 2).value() == 1)
        #expect(try await journal.prune(finishedBefore: Sample.time(3), limit: 2).value() == 0)
        #expect(try await journal.prune(finishedBefore: Sample.time(99), limit: 9).value() == 1)
        for (index, id) in ids.enumerated() { #expect(try await (journal.delivery(id) == nil) == (index < 4)) }
        let snapshot = try await journal.snapshot(now: Sample.time(99))
        #expect(snapshot.total.admitted == 6 && snapshot.total.delivered == 4 && snapshot.total.unaccounted == 0)
        #expect(snapshot.lastDelivered.isEmpty)
        #expect(try await journal.trace("file-0").isEmpty)
        let next = try await journal.admitOne("next").file
        #expect(next == 7)
        await journal.close()
    }
}
