import Foundation
import Glibc
import PouchAgent
import PouchFiles
import PouchKit
import Testing

@Suite("What becomes of a claim")
struct ClaimDisposalTests {
    @Test("an archived file keeps its path, and a taken name gets a suffix")
    func archives() throws {
        let ground = try ClaimGround()
        let archive = ground.base + "/archive"
        let first = try ground.claimed("x/report.csv", "one")
        let second = try ground.claimed("x/report.csv", "two")
        #expect(try ground.claims.archive(first, to: archive) == archive + "/x/report.csv")
        let other = try #require(try ground.claims.archive(second, to: archive))
        #expect(other.wholeMatch(of: /.*\/x\/report~[0-9a-f]{8}\.csv/) != nil)
        #expect(ground.text(at: archive + "/x/report.csv") == "one")
        #expect(ground.text(at: other) == "two")
        #expect(ground.entries(in: ground.state + "/claims").isEmpty)
    }

    @Test("a name of 255 bytes is cut to make room for the suffix, between characters")
    func longNames() throws {
        let ground = try ClaimGround()
        let name = String(repeating: "ü", count: 125) + ".data"
        #expect(name.utf8.count == 255)
        try ground.claims.archive(ground.claimed(name), to: ground.base + "/archive")
        try ground.claims.archive(ground.claimed(name), to: ground.base + "/archive")
        let names = ground.entries(in: ground.base + "/archive")
        #expect(names.count == 2 && names.allSatisfy { $0.hasSuffix(".data") && $0.utf8.count <= 255 })
    }

    @Test("an archive on another mount gets a copy with the same bytes, time and mode, and the original goes")
    func archivesAcrossMounts() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        let text = String(repeating: "0123456789", count: 300_000)
        let claim = try ground.claimed("x/a", text)
        try claim.file.file.setMode(0o604)
        let archive = ground.base + "/archive"
        #expect(try ground.claims.archive(claim, to: archive) == archive + "/x/a")
        #expect(ground.text(at: archive + "/x/a") == text)
        let status = try DirectoryHandle.open(archive).status(of: Array("x/a".utf8))
        #expect(status.identity.modified == claim.identity.modified && status.mode == 0o604)
        #expect(ground.entries(in: ground.drop + "/.pouch").isEmpty)
        #expect(ground.entries(in: archive + "/x") == ["a"])
    }

    @Test("a copy into the archive that is stopped leaves the original and no part")
    func stoppedCopy() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        let claim = try ground.claimed("a")
        let stop = StopSign()
        stop.raise()
        let refusal = claimFailure { () throws(ClaimFailure) in
            try ground.claims.archive(claim, to: ground.base + "/archive", stop: stop)
        }
        guard case .problem(let problem) = refusal else { Issue.record("\(String(describing: refusal))"); return }
        #expect(problem.errno == ECANCELED)
        #expect(ground.entries(in: ground.base + "/archive").isEmpty)
        #expect(try claim.isUnchanged())
        try ground.claims.archive(claim, to: ground.base + "/archive")
        #expect(ground.entries(in: ground.base + "/archive") == ["a"])
    }

    @Test("an archive that is no folder is a problem and leaves the claim in its place")
    func badArchive() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a")
        try "x".write(toFile: ground.base + "/archive", atomically: false, encoding: .utf8)
        let refusal = claimFailure { () throws(ClaimFailure) in
            try ground.claims.archive(claim, to: ground.base + "/archive")
        }
        guard case .problem = refusal else { Issue.record("no problem"); return }
        #expect(ground.claims.locate(claim.path, at: try #require(claim.place), identity: claim.identity).claim != nil)
    }

    @Test("disposing of a claim again says that it has gone")
    func twice() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("x/a")
        try ground.claims.delete(claim)
        #expect(ground.entries(in: ground.state + "/claims").isEmpty)
        #expect(claimFailure { () throws(ClaimFailure) in try ground.claims.delete(claim) } == .vanished(claim.path))
    }

    @Test("what was put in the place of a claimed file is not removed")
    func notAnother() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a")
        let place = try #require(claim.place)
        let path = "\(place.root)/\(place.id)/a"
        #expect(rename(path, path + ".old") == 0)
        try "other".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(claimFailure { () throws(ClaimFailure) in try ground.claims.delete(claim) } != nil)
        #expect(ground.text(at: path) == "other")
    }

    @Test("a quarantined file has its reason beside it, and comes back when it is looked for")
    func quarantines() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("x/a", "bad")
        let place = try #require(claim.place)
        let path = "\(ground.state)/quarantine/\(place.id)/x/a"
        #expect(try ground.claims.quarantine(claim, reason: Array("{\"code\":\"no\"}".utf8)) == path)
        #expect(ground.text(at: path) == "bad")
        #expect(ground.text(at: path + ".reason.json") == "{\"code\":\"no\"}")
        #expect(ground.entries(in: ground.state + "/claims").isEmpty)
        #expect(try ground.survey(ground.claims).isEmpty)
        let back = ground.afterRestart().locate(claim.path, at: place, identity: claim.identity)
        #expect(back.claim?.place == place)
        #expect(ground.entries(in: ground.state + "/quarantine").isEmpty)
    }

    @Test("quarantine lies in the root of the drop folder's own mount, and names of any length get a reason")
    func quarantinesInFolder() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        let name = String(repeating: "n", count: 255)
        let claim = try ground.claimed(name)
        let id = try #require(claim.place).id
        try ground.claims.quarantine(claim, reason: [])
        #expect(ground.entries(in: "\(ground.drop)/.pouch/quarantine/\(id)") == [name, "reason.json"])
        #expect(try ground.survey(ground.claims).isEmpty)
    }
}

@Suite("Pruning an archive")
struct ArchivePruningTests {
    private let day: Int64 = 86_400
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test("what was kept long enough goes, and not a moment earlier")
    func byAge() {
        let pruning = ArchivePruning(keepFor: .seconds(30 * day))
        #expect(pruning.verdict(archived: Timestamp(seconds: now.seconds - 30 * day), now: now) == .remove)
        #expect(pruning.verdict(archived: Timestamp(seconds: now.seconds - 30 * day + 1), now: now) == .keep)
    }

    @Test("a clock that was not set, or has gone back, removes nothing")
    func wrongClocks() {
        let pruning = ArchivePruning(keepFor: .seconds(30 * day))
        #expect(pruning.verdict(archived: Timestamp(seconds: 1_000), now: now) == .restamp)
        #expect(pruning.verdict(archived: Timestamp(seconds: now.seconds + 2 * day), now: now) == .restamp)
        #expect(pruning.verdict(archived: Timestamp(seconds: now.seconds + 60), now: now) == .keep)
        #expect(pruning.verdict(archived: Timestamp(seconds: 10), now: Timestamp(seconds: 1_000_000)) == .keep)
    }

    @Test("old files go with the folders that they leave empty; nothing outside is reached, whatever the modification time says")
    func prunes() throws {
        let ground = try ClaimGround()
        let archive = ground.base + "/archive"
        let outside = ground.base + "/outside"
        _ = try DirectoryHandle.create(outside).createFile(Array("stays".utf8))
        for name in ["a", "x/y/b", "x/c"] {
            let claim = try ground.claimed(name, "12345")
            try claim.file.file.setModified(nanoseconds: 0)
            try ground.claims.archive(claim, to: archive)
        }
        #expect(symlink(outside, archive + "/link") == 0)
        _ = try DirectoryHandle.create(archive + "/empty")
        let now = SystemClock().now
        let early = try ArchivePruner.prune(archive, keepFor: .seconds(3_600), now: now)
        #expect(early.removed == 0 && early.kept == 4 && early.problems.isEmpty)
        let late = try ArchivePruner.prune(archive, keepFor: .seconds(3_600), now: now.advanced(by: .seconds(3_700)))
        #expect(late.removed == 4 && late.kept == 0 && late.removedBytes >= 15)
        #expect(ground.entries(in: archive) == ["empty"])
        #expect(ground.entries(in: outside) == ["stays"])
    }

    @Test("an archive that does not exist yet has nothing to prune")
    func noArchive() throws {
        #expect(try ArchivePruner.prune("/nowhere/archive", keepFor: .seconds(1), now: now).kept == 0)
    }
}
