import PouchJournal
import PouchKit
import Testing

@Suite("Admitting a file")
struct AdmissionTests {
    @Test("what was admitted comes back as it was given")
    func roundTrip() async throws {
        let journal = try await JournalFolder().open()
        let id = DeliveryID.random()
        let path = try DropPath(bytes: Array("caf".utf8) + [0xE9, UInt8(ascii: "/"), 0xFF, 0x0A])
        let admission = Admission(
            folder: "/srv/dröp",
            path: path,
            identity: FileIdentity(device: .max, inode: 1 << 63, birth: -1, size: .max, modified: .min),
            claim: ClaimRecord(id: "claim-1", root: "/var/lib/pouch/claims", inPlace: false),
            afterwards: "{}",
            at: Sample.time(5),
            deliveries: [try Sample.delivery(id)]
        )
        let outcome = try await journal.admit(admission).value()
        let pending = try #require(try await journal.due(partner: Sample.acme, now: Sample.time(6), limit: 10).first)
        #expect(outcome == .admitted(file: pending.file.id))
        #expect(pending.id == id)
        #expect(pending.partner == Sample.acme && pending.route == Sample.nightly)
        #expect(pending.key.description == "eu/seeds.csv")
        #expect(pending.target?.description == "s3://inbox of acme")
        #expect(pending.state == .waiting && pending.attempts == 0 && pending.checkpoint == nil && pending.failure == nil)
        #expect(pending.file.path == path && pending.file.folder == "/srv/dröp")
        #expect(pending.file.identity == admission.identity)
        #expect(pending.file.claim == admission.claim)
        #expect(pending.file.afterwards == "{}" && pending.file.admitted == Sample.time(5))
        #expect(pending.file.digests == nil && pending.file.finished == nil)
        await journal.close()
    }

    @Test("a claim that was admitted before is not admitted twice")
    func idempotent() async throws {
        let journal = try await JournalFolder().open()
        let first = try await journal.admit(Sample.admission("seeds.csv", claim: "one", [Sample.delivery(.random())])).value()
        let again = try await journal.admit(Sample.admission("seeds.csv", claim: "one", [Sample.delivery(.random())])).value()
        guard case .admitted(let file) = first else {
            Issue.record("the first admission answered \(first)")
            return
        }
        #expect(again == .known(file: file))
        #expect(try await journal.due(partner: Sample.acme, now: Sample.time(2), limit: 10).count == 1)
        #expect(try await journal.snapshot(now: Sample.time(2)).total.admitted == 1)
        await journal.close()
    }

    @Test("an admission with a delivery id that is taken changes nothing at all")
    func takenDeliveryID() async throws {
        let journal = try await JournalFolder().open()
        let (_, id) = try await journal.admitOne()
        let failure = await #expect(throws: JournalFailure.self) {
            try await journal.admit(Sample.admission("other.csv", claim: "two", [Sample.delivery(.random()), Sample.delivery(id)]))
                .value()
        }
        #expect(failure?.kind == .outOfPlace)
        #expect(failure?.description.hasPrefix("could not admit other.csv from /srv/drop: ") == true)
        #expect(try await journal.fileOfClaim("two") == nil)
        #expect(try await journal.snapshot(now: Sample.time(2)).total.admitted == 1)
        await journal.close()
    }

    @Test("deliveries start waiting, held or quarantined; a quarantined one has its line at once")
    func starts() async throws {
        let journal = try await JournalFolder().open()
        let held = AdmittedDelivery.Start.held(code: "file-too-large", reason: "6 GiB, and acme takes 5")
        let quarantined = AdmittedDelivery.Start.quarantined(
            Sample.failure(.quarantine, code: "name-not-utf8"), entry: Sample.entry)
        let ids = (0..<3).map { _ in DeliveryID.random() }
        let deliveries = try [
            Sample.delivery(ids[0]), Sample.delivery(ids[1], to: Sample.globex, start: held),
            Sample.delivery(ids[2], to: Sample.globex, start: quarantined),
        ]
        try await journal.admit(Sample.admission(deliveries)).value()
        let snapshot = try await journal.snapshot(now: Sample.time(2))
        #expect(snapshot.total.waiting == 1 && snapshot.total.held == 1 && snapshot.total.quarantined == 1)
        #expect(snapshot.held.map(\.failure?.code) == ["file-too-large"])
        #expect(snapshot.quarantined.map(\.failure?.code) == ["name-not-utf8"])
        #expect(snapshot.folders.map(\.files.quarantined) == [1])
        #expect(try await journal.outbox(limit: 10).map(\.sequence) == [1])
        #expect(try await journal.due(partner: Sample.globex, now: Sample.time(2), limit: 10).isEmpty)
        await journal.close()
    }

    @Test("a file that no route takes is admitted without deliveries, and is open until it is finished")
    func unmatched() async throws {
        let journal = try await JournalFolder().open()
        let outcome = try await journal.admit(Sample.admission([])).value()
        #expect(outcome == .admitted(file: 1))
        #expect(try await journal.openFiles(limit: 10).map(\.id) == [1])
        #expect(try await journal.snapshot(now: Sample.time(2)).folders.map(\.files.unmatched) == [1])
        try await journal.finish(file: 1, at: Sample.time(3)).value()
        #expect(try await journal.openFiles(limit: 10).isEmpty)
        await journal.close()
    }

    @Test("due deliveries come in order of admission, page by page, for one partner")
    func pages() async throws {
        let journal = try await JournalFolder().open()
        var expected: [DeliveryID] = []
        for number in 0..<25 {
            let id = DeliveryID.random()
            let partner = number.isMultiple(of: 5) ? Sample.globex : Sample.acme
            if partner == Sample.acme { expected.append(id) }
            try journal.admit(Sample.admission("file-\(number)", [Sample.delivery(id, to: partner)]))
        }
        _ = try await journal.admitOne("last", to: Sample.globex)
        var seen: [PendingDelivery] = []
        while true {
            let page = try await journal.due(partner: Sample.acme, now: Sample.time(2), after: seen.last?.sequence ?? 0, limit: 7)
            if page.isEmpty { break }
            seen += page
        }
        #expect(seen.map(\.id) == expected)
        #expect(try await journal.due(partner: PartnerName("nobody"), now: Sample.time(2), limit: 7).isEmpty)
        await journal.close()
    }
}
