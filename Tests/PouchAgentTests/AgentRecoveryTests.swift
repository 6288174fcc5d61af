import Foundation
import Glibc
import PouchAgent
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest
import PouchTestSupport
import Testing

@Suite("the state folder of an agent")
struct StateFolderTests {
    @Test("is made for its owner alone")
    func isMade() async throws {
        let house = try AgentHouse(.deliver)
        try await house.runOnce()
        #expect(try DirectoryHandle.open(house.state).status().mode & 0o777 == 0o700)
    }

    @Test("is refused when others can write to it, with the fix")
    func refusesOpenFolder() async throws {
        let house = try AgentHouse(.deliver)
        try house.folder.makeFolder("state")
        try DirectoryHandle.open(house.state).setMode(0o770)
        let failure = await #expect(throws: AgentFailure.self) { () async throws in _ = try await house.open() }
        #expect(failure?.text == "the state folder \(house.state) can be written by others (mode 770)")
        #expect(failure?.hint == "chmod 700 \(house.state)")
        #expect(failure?.isInUse == false)
    }

    @Test("belongs to one agent at a time")
    func isLocked() async throws {
        let house = try AgentHouse(.deliver)
        let first = try await house.open()
        let failure = await #expect(throws: AgentFailure.self) { () async throws in _ = try await house.open() }
        #expect(failure?.isInUse == true)
        #expect(failure?.text.contains("process \(getpid())") == true)
        #expect(failure?.hint?.contains("one agent per state folder") == true)
        _ = await first.run(.once(patience: .zero))
    }

    @Test("that is a file is refused in words")
    func refusesFile() async throws {
        let house = try AgentHouse(.deliver)
        try house.folder.write("", to: "state")
        let failure = await #expect(throws: AgentFailure.self) { () async throws in _ = try await house.open() }
        #expect(failure?.text.hasPrefix("the state folder cannot be used: ") == true)
    }

    @Test("with a damaged journal is used all the same: the journal is kept aside, and somebody is told")
    func keepsDamagedJournal() async throws {
        let house = try AgentHouse(.deliver)
        try house.drop("a.csv", "a")
        try await house.runOnce()
        try Rewriting.rewrite(
            house.state + "/journal.sqlite", as: "SQLite format 3\u{0}" + String(repeating: "no journal ", count: 900))
        try house.drop("b.csv", "b")
        #expect(try await house.runOnce().isComplete)
        #expect(try house.alerts().map(\.code) == ["journal-damaged"])
        #expect(try await house.manifest().map(\.sequence) == [1, 2], "the chain goes on")
    }

    @Test("with a manifest that ends in half a line keeps the rest aside, and tells it")
    func repairsManifest() async throws {
        let house = try AgentHouse(.deliver)
        try house.drop("a.csv", "a")
        try await house.runOnce()
        let lines = try #require(try house.files(in: "state/manifest").first { $0.hasSuffix(".jsonl") })
        let whole = try house.folder.read("state/manifest/" + lines)
        try house.folder.write(whole + Array("{\"version\":1,\"sequ".utf8), to: "state/manifest/" + lines)
        try house.drop("b.csv", "b")
        try await house.runOnce()
        #expect(try await house.manifest().map(\.sequence) == [1, 2])
        #expect(try house.alerts().map(\.code) == ["manifest-torn"])
    }
}

@Suite("a start after a crash")
struct AgentRecoveryTests {
    private func admission(of claim: Claim, in house: AgentHouse, then afterwards: Afterwards) throws -> Admission {
        let place = try #require(claim.place)
        return Admission(
            folder: house.drops,
            path: claim.path,
            identity: claim.identity,
            claim: ClaimRecord(id: place.id, root: place.root, inPlace: false),
            afterwards: AfterwardsText.text(of: afterwards),
            at: Specimen.time,
            deliveries: [
                AdmittedDelivery(
                    id: DeliveryID(high: 1, low: 1), partner: Specimen.acme, route: Specimen.route,
                    key: try DeliveryKey(claim.path.description), target: nil)
            ]
        )
    }

    private func claim(_ path: String, _ text: String, in house: AgentHouse) throws -> Claim {
        try house.drop(path, text)
        _ = try DirectoryHandle.create(house.state, mode: 0o700)
        let identity = try OpenFile.open(house.drops + "/" + path).status().identity
        return try ClaimRoots(folder: house.drops, state: house.state) { _ in }.claim(DropPath(path), expected: identity)
    }

    private func journal(of house: AgentHouse) async throws -> Journal {
        try await Journal.open(at: JournalPlace.path(state: house.state), agent: "edge-test")
    }

    private let receipt = Receipt(location: "memory://a.csv", key: "a.csv", confirmation: .byAnswer, stages: [])

    @Test("puts back what was claimed and never admitted, and delivers it once")
    func putsBackOrphans() async throws {
        let house = try AgentHouse(.deliver)
        _ = try claim("deep/a.csv", "a", in: house)
        #expect(try house.files(in: "drop") == [])
        let ending = try await house.runOnce()
        #expect(ending.isComplete)
        #expect(ending.delivered == 1)
        #expect(house.destination.objects == ["deep/a.csv": "a"])
        #expect(try house.files(in: "archive") == ["deep/a.csv"])
    }

    @Test("says that a claim is unaccounted for when another file has taken its name")
    func tellsStranded() async throws {
        let house = try AgentHouse(.deliver)
        _ = try claim("a.csv", "first", in: house)
        try house.drop("a.csv", "second")
        let ending = try await house.runOnce()
        #expect(!ending.isComplete)
        #expect(ending.summary == "1 delivered, 1 unaccounted")
        #expect(house.destination.objects == ["a.csv": "second"])
        let alert = try #require(try house.alerts().first)
        #expect(alert.kind == .unaccounted)
        #expect(alert.text.hasSuffix("/a.csv"))
        #expect(try house.files(in: "state/claims").count == 1, "nothing is thrown away")
    }

    @Test("puts away what was delivered when the crash came before the archive")
    func archivesEnded() async throws {
        let house = try AgentHouse(.deliver)
        let claim = try claim("a.csv", "a", in: house)
        let journal = try await journal(of: house)
        let admission = try admission(of: claim, in: house, then: house.afterwards)
        _ = try await journal.admit(admission).value()
        let id = admission.deliveries[0].id
        _ = try await journal.begin(id, attempt: 1, stage: .storing, at: Specimen.time).value()
        let position = try await journal.head()
        let desk = ManifestSpecimen(delivery: id, path: claim.path)
        _ = try await journal.complete(id, receipt: receipt, at: Specimen.time) { desk.line(at: $0) }.value()
        #expect(position.sequence == 1)
        await journal.close()
        #expect(try house.files(in: "archive") == [])

        let ending = try await house.runOnce()
        #expect(ending.isComplete)
        #expect(house.destination.calls == [], "it was delivered")
        #expect(try house.files(in: "archive") == ["a.csv"])
        #expect(try house.files(in: "state/claims") == [])
        #expect(try await house.manifest().map(\.delivery) == [id], "its line was written")
    }

    /// Removing a claim is not synced: a power cut may take it back although the journal has the file's end.
    @Test("removes once more a finished file's claim that a power cut brought back")
    func removesReturned() async throws {
        let house = try AgentHouse(.deliver, then: .delete)
        let claim = try claim("deep/a.csv", "a", in: house)
        let journal = try await journal(of: house)
        _ = try await journal.admit(admission(of: claim, in: house, then: .delete)).value()
        await journal.close()
        let place = "state/claims/\(try #require(claim.place).id)"
        #expect(link(house.folder.path(place + "/deep/a.csv"), house.folder.path("kept")) == 0)
        #expect(try await house.runOnce().isComplete)
        #expect(try house.files(in: "state/claims") == [])

        try house.folder.makeFolder(place)
        try house.folder.makeFolder(place + "/deep")
        #expect(link(house.folder.path("kept"), house.folder.path(place + "/deep/a.csv")) == 0)
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.calls.count == 1, "it was delivered")
        #expect(try house.files(in: "state/claims") == [])
    }

    /// What a power cut leaves: the admission is on disk, and the rename of its claim is undone.
    private func house(returning path: String, isDelivered: Bool, admitted: Timestamp) async throws -> (AgentHouse, DeliveryID) {
        let house = try AgentHouse(.deliver, then: .delete)
        let claim = try claim(path, "a", in: house)
        let journal = try await journal(of: house)
        let plain = try admission(of: claim, in: house, then: .delete)
        let admission = Admission(
            folder: plain.folder, path: plain.path, identity: plain.identity, claim: plain.claim, afterwards: plain.afterwards,
            at: admitted, deliveries: plain.deliveries)
        let outcome = try await journal.admit(admission).value()
        let id = admission.deliveries[0].id
        if isDelivered, case .admitted(let file) = outcome {
            let desk = ManifestSpecimen(delivery: id, path: claim.path)
            _ = try await journal.begin(id, attempt: 1, stage: .storing, at: Specimen.time).value()
            _ = try await journal.complete(id, receipt: receipt, at: Specimen.time) { desk.line(at: $0) }.value()
            try await journal.finish(file: file, at: Specimen.time).value()
        }
        // Nobody closes a journal when the power fails.
        for suffix in ["", "-wal"] {
            try house.folder.write(try house.folder.read("state/journal.sqlite" + suffix), to: "image" + suffix)
        }
        await journal.close()
        for suffix in ["", "-wal"] {
            try house.folder.write(try house.folder.read("image" + suffix), to: "state/journal.sqlite" + suffix)
        }
        let place = try #require(claim.place)
        #expect(rename(house.folder.path("state/claims/\(place.id)/\(path)"), house.drops + "/" + path) == 0)
        return (house, id)
    }

    private let later = SystemClock().now.advanced(by: .seconds(86_400))

    @Test("takes a file again that a power cut put back before it was delivered, as the delivery that it is")
    func takesReturnedAgain() async throws {
        let (house, id) = try await house(returning: "a.csv", isDelivered: false, admitted: later)
        let ending = try await house.runOnce()
        #expect(ending.isComplete, "\(ending.summary)")
        #expect(house.destination.calls.map(\.delivery) == [id])
        #expect(try house.files(in: "drop") == [] && house.files(in: "state/claims") == [])
    }

    @Test("puts away a file that a power cut put back after it was delivered, and does not deliver it twice")
    func putsReturnedAway() async throws {
        let (house, id) = try await house(returning: "a.csv", isDelivered: true, admitted: later)
        let ending = try await house.runOnce()
        #expect(ending.isComplete, "\(ending.summary)")
        #expect(house.destination.calls == [])
        #expect(try await house.manifest().map(\.delivery) == [id])
        #expect(try house.files(in: "drop") == [] && house.files(in: "state/claims") == [])
    }

    @Test("delivers once more what a person moved in again")
    func deliversMovedIn() async throws {
        let (house, id) = try await house(returning: "a.csv", isDelivered: true, admitted: Timestamp(nanoseconds: 1))
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.calls.count == 1 && house.destination.calls.first?.delivery != id)
    }

    @Test("goes on with what was in an attempt, as a new attempt of the same delivery")
    func goesOn() async throws {
        let house = try AgentHouse(.deliver)
        let claim = try claim("a.csv", "a", in: house)
        let journal = try await journal(of: house)
        let admission = try admission(of: claim, in: house, then: house.afterwards)
        let id = admission.deliveries[0].id
        _ = try await journal.admit(admission).value()
        _ = try await journal.begin(id, attempt: 1, stage: .storing, at: Specimen.time).value()
        await journal.close()
        #expect(try await house.runOnce().isComplete)
        #expect(house.destination.calls.map(\.delivery) == [id])
        #expect(house.destination.calls.map(\.attempt) == [2])
    }

    @Test("quarantines a delivery whose claimed file somebody took away")
    func quarantinesMissing() async throws {
        let house = try AgentHouse(.deliver)
        let claim = try claim("a.csv", "a", in: house)
        let journal = try await journal(of: house)
        _ = try await journal.admit(admission(of: claim, in: house, then: house.afterwards)).value()
        await journal.close()
        let place = try #require(claim.place)
        #expect(unlink(house.folder.path("state/claims/\(place.id)/a.csv")) == 0)
        #expect(try await house.runOnce().summary == "0 delivered, 1 quarantined")
        #expect(try await house.manifest().map(\.reason?.code) == ["source-missing"])
    }

    @Test("keeps a file whose `then` is of another version: that loses nothing")
    func keepsUnknownAfterwards() async throws {
        let house = try AgentHouse(.deliver)
        let claim = try claim("a.csv", "a", in: house)
        let journal = try await journal(of: house)
        let known = try admission(of: claim, in: house, then: .delete)
        let strange = Admission(
            folder: known.folder, path: known.path, identity: known.identity, claim: known.claim,
            afterwards: "{\"shred\":{}}", at: known.at, deliveries: known.deliveries)
        _ = try await journal.admit(strange).value()
        await journal.close()
        try await house.runOnce()
        #expect(house.destination.objects == ["a.csv": "a"])
        #expect(try house.files(in: "state/claims").count == 1)
    }
}

@Suite("what becomes of a file in the end")
struct AfterwardsTextTests {
    @Test(
        "is read back as it was written down",
        arguments: [
            Afterwards.archive(folder: "/srv/archive \"2026\"\n", keepFor: 2_592_000), .archive(folder: "/a", keepFor: nil),
            .delete,
            .keep,
        ])
    func roundTrip(_ afterwards: Afterwards) {
        let text = AfterwardsText.text(of: afterwards)
        #expect(!text.contains("\n"))
        #expect(AfterwardsText.afterwards(of: text) == afterwards)
    }

    @Test("is nothing when it is of another version", arguments: ["", "{}", "null", "{\"shred\":{}}", "keep"])
    func unknown(_ text: String) {
        #expect(AfterwardsText.afterwards(of: text) == nil)
    }
}
