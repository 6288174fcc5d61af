import Foundation
import Glibc
import PouchAgent
import PouchFiles
import PouchKit
import Testing

@Suite("Claims after a restart")
struct ClaimRecoveryTests {
    @Test("a claim is found in its place")
    func found() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("x/a", "one")
        let place = try #require(claim.place)
        let found = try #require(ground.afterRestart().locate(claim.path, at: place, identity: claim.identity).claim)
        #expect(found.identity == claim.identity && found.place == place)
    }

    @Test("a claim whose rename a power cut undid is taken again, into the same place")
    func takenAgain() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("x/a", "one")
        let place = try #require(claim.place)
        #expect(rename("\(place.root)/\(place.id)/x/a", ground.drop + "/x/a") == 0)
        try FileManager.default.removeItem(atPath: "\(place.root)/\(place.id)")
        let found = try #require(ground.afterRestart().locate(claim.path, at: place, identity: claim.identity).claim)
        #expect(found.place == place)
        #expect(ground.files(in: ground.drop).isEmpty)
    }

    @Test("another file at the original path is not taken for the claim")
    func notAnother() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        let place = try #require(claim.place)
        try FileManager.default.removeItem(atPath: "\(place.root)/\(place.id)")
        _ = try ground.put("a", "one")
        #expect(ground.afterRestart().locate(claim.path, at: place, identity: claim.identity).isMissing)
        #expect(ground.files(in: ground.drop) == ["a"])
    }

    @Test("a claim that was written to meanwhile is told apart")
    func changed() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        let place = try #require(claim.place)
        try "longer".write(toFile: "\(place.root)/\(place.id)/a", atomically: false, encoding: .utf8)
        guard case .changed(let now) = ground.claims.locate(claim.path, at: place, identity: claim.identity) else {
            Issue.record("not told")
            return
        }
        #expect(now.identity.size == 6)
    }

    @Test("a root that cannot be looked into says nothing about its files")
    func unavailable() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        let elsewhere = ClaimPlace(id: try #require(claim.place).id, root: ground.drop + "/away/.pouch")
        guard case .unavailable = ground.claims.locate(claim.path, at: elsewhere, identity: claim.identity) else {
            Issue.record("not told")
            return
        }
    }

    @Test("claims in the state folder are found while their drop folder is away")
    func dropFolderAway() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        try FileManager.default.removeItem(atPath: ground.drop)
        let location = ground.afterRestart().locate(claim.path, at: try #require(claim.place), identity: claim.identity)
        #expect(location.claim != nil)
    }

    @Test("while the drop folder is away, a claim that is not in its place is not given up, and nothing is given back")
    func dropFolderAwayAndClaimGone() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        let place = try #require(claim.place)
        try FileManager.default.removeItem(atPath: ground.drop)
        guard case .problem = claimFailure({ () throws(ClaimFailure) in try ground.claims.unclaim(claim.path, at: place) }) else {
            Issue.record("not told")
            return
        }
        try FileManager.default.removeItem(atPath: "\(place.root)/\(place.id)")
        guard case .unavailable = ground.afterRestart().locate(claim.path, at: place, identity: claim.identity) else {
            Issue.record("not told")
            return
        }
    }

    @Test("a rename that was made of link and unlink, and cut between them, leaves one name")
    func halfRename() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        let place = try #require(claim.place)
        #expect(link("\(place.root)/\(place.id)/a", ground.drop + "/a") == 0)
        #expect(ground.afterRestart().locate(claim.path, at: place, identity: claim.identity).claim != nil)
        #expect(ground.files(in: ground.drop).isEmpty)
        #expect(link("\(place.root)/\(place.id)/a", ground.drop + "/a") == 0)
        try ground.claims.unclaim(claim.path, at: place)
        #expect(ground.files(in: ground.drop) == ["a"])
        #expect(ground.entries(in: place.root).isEmpty)
    }

    @Test("a survey brings every claim of the folder and no other, and removes what is empty")
    func survey() throws {
        let ground = try ClaimGround()
        var claimed: Set<ClaimPlace> = []
        for number in 0..<10 { claimed.insert(try #require(try ground.claimed("d\(number)/f").place)) }
        let prefix = try #require(claimed.first).id.prefix(9)
        let claims = ground.state + "/claims/"
        _ = try DirectoryHandle.create(claims + prefix + "0123456789abcdef/some/empty/folders")
        _ = try DirectoryHandle.create(claims + "00000000-0123456789abcdef")
        _ = try DirectoryHandle.create(claims + "not-a-claim")
        let found = try ground.survey(ground.afterRestart())
        #expect(Set(found.map(\.place)) == claimed && found.count == 10)
        #expect(Set(found.map(\.path.description)) == Set((0..<10).map { "d\($0)/f" }))
        #expect(ground.entries(in: claims).count == 12)
        #expect(!ground.entries(in: claims).contains(prefix + "0123456789abcdef"))
    }

    @Test("a survey of a folder that was never used finds nothing and makes nothing")
    func emptySurvey() throws {
        let ground = try ClaimGround()
        #expect(try ground.survey(ground.claims).isEmpty)
        #expect(ground.entries(in: ground.state).isEmpty && ground.entries(in: ground.drop).isEmpty)
    }

    @Test("a survey looks into both roots")
    func bothRoots() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        let claim = try ground.claimed("a")
        let prefix = try #require(claim.place).id.prefix(9)
        let old = try DirectoryHandle.create(ground.state + "/claims/" + prefix + "0123456789abcdef")
        _ = try old.createFile(Array("b".utf8))
        #expect(try ground.survey(ground.afterRestart()).map(\.path.description).sorted() == ["a", "b"])
    }

    @Test("a mount inside the drop folder has a root of its own, which a survey finds after a restart")
    func nestedMount() throws {
        let ground = try ClaimGround()
        let mount = ground.drop + "/sub/mnt"
        _ = try DirectoryHandle.create(mount)
        guard run(["mount", "-t", "tmpfs", "tmpfs", mount]) else { return print("mounting is not permitted: not tested") }
        defer { _ = run(["umount", "-l", mount]) }
        let claim = try ground.claimed("sub/mnt/x/a")
        let place = try #require(claim.place)
        #expect(place.root == mount + "/.pouch")
        #expect(ground.text(at: "\(place.root)/\(place.id)/sub/mnt/x/a") == "contents")
        #expect(try ground.claimed("b").place?.root == ground.state + "/claims")
        let after = ground.afterRestart()
        #expect(try ground.survey(after).map(\.path.description).sorted() == ["b", "sub/mnt/x/a"])
        #expect(after.locate(claim.path, at: place, identity: claim.identity).claim != nil)
        try after.archive(claim, to: ground.base + "/archive")
        #expect(ground.files(in: ground.base + "/archive") == ["sub/mnt/x/a"])
        #expect(ground.entries(in: place.root).isEmpty)
    }

    @Test("a bind mount of the same device is not mistaken for the same mount")
    func bindMount() throws {
        let ground = try ClaimGround()
        _ = try DirectoryHandle.create(ground.base + "/real")
        guard run(["mount", "--bind", ground.base + "/real", ground.drop]) else {
            return print("mounting is not permitted: not tested")
        }
        defer { _ = run(["umount", "-l", ground.drop]) }
        #expect(try ground.claimed("a").place?.root == ground.drop + "/.pouch")
    }
}

/// True when the command ended well.
private func run(_ command: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}

extension ClaimLocation {
    var claim: Claim? {
        guard case .found(let claim) = self else { return nil }
        return claim
    }

    var isMissing: Bool {
        guard case .missing = self else { return false }
        return true
    }
}
