import Foundation
import Glibc
import PouchAgent
import PouchFiles
import PouchKit
import Testing

@Suite("Claiming a settled drop")
struct ClaimTests {
    @Test("a claimed file lies in the state folder under its original path, and its folder is left in place")
    func claimsIntoState() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("reports/2026/a b.csv", "hello")
        let place = try #require(claim.place)
        #expect(place.root == ground.state + "/claims")
        #expect(ground.text(at: "\(place.root)/\(place.id)/reports/2026/a b.csv") == "hello")
        #expect(ground.entries(in: ground.drop) == ["reports"])
        #expect(ground.files(in: ground.drop).isEmpty)
        #expect(try claim.file.file.readAll(limit: 100) == Array("hello".utf8))
        #expect(try claim.isUnchanged())
        #expect(place.id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{16}/) != nil)
        #expect(ground.notices == [.rootChosen(folder: ground.drop, root: place.root)])
    }

    @Test("claims of one folder begin alike, in this run and the next")
    func stablePrefix() throws {
        let ground = try ClaimGround()
        let first = try #require(try ground.claimed("a").place)
        let (drop, identity) = try ground.put("a")
        let second = try #require(try ground.afterRestart().claim(drop, expected: identity).place)
        #expect(first.id.prefix(9) == second.id.prefix(9) && first.id != second.id)
    }

    @Test("where no rename gets to the state, claims lie in the drop folder, closed to others")
    func claimsInFolder() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        let claim = try ground.claimed("x/a")
        let place = try #require(claim.place)
        #expect(place.root == ground.drop + "/.pouch")
        #expect(try DirectoryHandle.open(place.root).status().mode == 0o700)
        #expect(ground.text(at: "\(place.root)/\(place.id)/x/a") == "contents")
    }

    @Test("trying the rename leaves nothing in the drop folder")
    func probeIsGone() throws {
        let ground = try ClaimGround()
        #expect(try ground.claims.rootPath() == ground.state + "/claims")
        #expect(ground.entries(in: ground.drop).isEmpty)
        #expect(ground.entries(in: ground.state + "/claims").isEmpty)
    }

    @Test("names that are not UTF-8 are claimed byte by byte")
    func rawBytes() throws {
        let ground = try ClaimGround()
        let drop = try DropPath(bytes: [0xFF, 0x0A, UInt8(ascii: "/"), 0x1B, 0xC3])
        let parent = try DirectoryHandle.open(ground.drop).createFolders([0xFF, 0x0A])
        let identity = try parent.createFile([0x1B, 0xC3]).status().identity
        let claim = try ground.claims.claim(drop, expected: identity)
        try ground.claims.unclaim(drop, at: try #require(claim.place))
        #expect(try parent.status(of: [0x1B, 0xC3]).identity == identity)
    }

    @Test("a drop that was written to, replaced, or is no file any more stays where it is, and the reason is told")
    func refusesOthers() throws {
        let ground = try ClaimGround()
        let (drop, identity) = try ground.put("a", "one")
        try "more".write(toFile: ground.drop + "/a", atomically: false, encoding: .utf8)
        #expect(claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) }?.isChange == true)
        try FileManager.default.removeItem(atPath: ground.drop + "/a")
        let (_, other) = try ground.put("a", "one")
        #expect(
            claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) }
                == .changed(drop, now: other))
        try FileManager.default.removeItem(atPath: ground.drop + "/a")
        #expect(
            claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) } == .vanished(drop))
        #expect(mkfifo(ground.drop + "/a", 0o600) == 0)
        #expect(
            claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) }
                == .notRegular(drop, .fifo)
        )
        #expect(unlink(ground.drop + "/a") == 0)
        #expect(symlink("/etc/passwd", ground.drop + "/a") == 0)
        #expect(
            claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) }
                == .notRegular(drop, .symlink))
        #expect(ground.entries(in: ground.drop) == ["a"])
        #expect(ground.entries(in: ground.state + "/claims").isEmpty)
    }

    @Test("a link in the place of a parent folder leads nowhere")
    func linkedParent() throws {
        let ground = try ClaimGround()
        let outside = ground.base + "/outside"
        let identity = try DirectoryHandle.create(outside).createFile(Array("a".utf8)).status().identity
        #expect(symlink(outside, ground.drop + "/in") == 0)
        let drop = try DropPath("in/a")
        let refusal = claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) }
        guard case .problem(let problem) = refusal else { Issue.record("\(String(describing: refusal))"); return }
        #expect(problem.isSymlink)
        #expect(ground.entries(in: outside) == ["a"])
    }

    @Test("a producer that swaps the file for a link while it is claimed never gets the link or what it leads to claimed")
    func swapRace() async throws {
        let ground = try ClaimGround()
        let secret = ground.base + "/secret"
        try "secret".write(toFile: secret, atomically: false, encoding: .utf8)
        let lane = BlockingLane(name: "swapper")
        var contents: Set<String> = []
        for round in 0..<100 {
            unlink(ground.drop + "/a")
            let (drop, identity) = try ground.put("a", "fine")
            async let swapping: Void = lane.run {
                for _ in 0..<round * 10 { _ = getppid() }
                unlink(ground.drop + "/a")
                symlink(secret, ground.drop + "/a")
            }
            if let claim = try? ground.claims.claim(drop, expected: identity) {
                contents.insert(String(decoding: try claim.file.file.readAll(limit: 100), as: UTF8.self))
            }
            await swapping
        }
        #expect(contents.isSubset(of: ["fine"]))
        for found in try ground.survey(ground.claims) where !found.status.isRegular {
            // Its name was taken again before it could be put back: told by the failure, and found.
            #expect(found.status.kind == .symlink)
        }
    }

    @Test("the same name dropped again while the first is claimed is a claim of its own")
    func sameName() throws {
        let ground = try ClaimGround()
        let first = try ground.claimed("a", "one")
        let second = try ground.claimed("a", "two")
        #expect(first.place != second.place)
        #expect(try first.file.file.readAll(limit: 10) == Array("one".utf8))
        #expect(try second.file.file.readAll(limit: 10) == Array("two".utf8))
    }

    @Test("what the producer removes or swaps afterwards does not touch a claim")
    func producerDeletes() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("in/a", "mine")
        try FileManager.default.removeItem(atPath: ground.drop)
        #expect(ground.text(at: "\(try #require(claim.place).root)/\(try #require(claim.place).id)/in/a") == "mine")
        _ = try DirectoryHandle.create(ground.drop)
        let (drop, identity) = try ground.put("in/a", "next")
        _ = try ground.claims.claim(drop, expected: identity)
        #expect(ground.notices.contains(.folderReplaced(ground.drop)))
    }

    @Test("a claim root that was removed is made again and reported")
    func rootRemoved() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        _ = try ground.claimed("a")
        try FileManager.default.removeItem(atPath: ground.drop + "/.pouch")
        let claim = try ground.claimed("b")
        #expect(claim.place?.root == ground.drop + "/.pouch")
        #expect(ground.notices.contains(.rootReplaced(ground.drop + "/.pouch")))
    }

    @Test("a link that a producer put in the place of the claim root is not followed")
    func plantedRoot() throws {
        guard let ground = try ClaimGround.acrossMounts() else { return }
        let outside = ground.base + "/outside"
        _ = try DirectoryHandle.create(outside)
        #expect(symlink(outside, ground.drop + "/.pouch") == 0)
        let (drop, identity) = try ground.put("a")
        #expect(claimFailure { () throws(ClaimFailure) in _ = try ground.claims.claim(drop, expected: identity) } != nil)
        #expect(ground.entries(in: outside).isEmpty)
        #expect(ground.entries(in: ground.drop).contains("a"))
    }

    @Test("a file that is to be kept is opened where it lies and seen to change")
    func inPlace() throws {
        let ground = try ClaimGround()
        let (drop, identity) = try ground.put("x/a", "one")
        let claim = try ground.claims.openInPlace(drop, expected: identity)
        #expect(claim.place == nil)
        #expect(try claim.isUnchanged())
        try ground.claims.delete(claim)
        #expect(try ground.claims.archive(claim, to: ground.base + "/archive") == nil)
        #expect(ground.files(in: ground.drop) == ["x/a"])
        try "longer".write(toFile: ground.drop + "/x/a", atomically: false, encoding: .utf8)
        #expect(try !claim.isUnchanged())
    }

    @Test("a file with other links is claimed, and the claim says so")
    func hardLinks() throws {
        let ground = try ClaimGround()
        let (drop, identity) = try ground.put("a")
        #expect(link(ground.drop + "/a", ground.base + "/other") == 0)
        #expect(try ground.claims.claim(drop, expected: identity).status.links == 2)
    }

    @Test("a claim that is given back lies where it was dropped, even when its folder was removed meanwhile")
    func unclaims() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("x/y/a")
        try FileManager.default.removeItem(atPath: ground.drop + "/x")
        try ground.claims.unclaim(claim.path, at: try #require(claim.place))
        #expect(ground.files(in: ground.drop) == ["x/y/a"])
        #expect(ground.entries(in: ground.state + "/claims").isEmpty)
    }

    @Test("a claim whose name is taken is not given back over it")
    func unclaimTaken() throws {
        let ground = try ClaimGround()
        let claim = try ground.claimed("a", "one")
        _ = try ground.put("a", "two")
        let place = try #require(claim.place)
        #expect(
            claimFailure { () throws(ClaimFailure) in try ground.claims.unclaim(claim.path, at: place) }
                == .stranded(claim.path, place))
        #expect(ground.text(at: ground.drop + "/a") == "two")
        #expect(ground.text(at: "\(place.root)/\(place.id)/a") == "one")
    }
}

func claimFailure(_ work: () throws(ClaimFailure) -> Void) -> ClaimFailure? {
    do throws(ClaimFailure) { try work() } catch { return error }
    return nil
}

extension ClaimFailure {
    var isChange: Bool {
        guard case .changed = self else { return false }
        return true
    }
}
