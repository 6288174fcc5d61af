import Foundation
import Glibc
import LocalDestination
import PouchFiles
import PouchKit
import PouchTestSupport
import Testing

@Suite("A delivery that was cut off, called again")
struct InterruptionTests {
    @Test("cut off while writing: the part is written over")
    func whileWriting() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        try inbox.put("a/.file.csv.\(file.delivery).part", "half")
        let receipt = try await file.send(to: inbox.destination(), as: "a/file.csv", attempt: 2)
        #expect(receipt.confirmation == .byAnswer)
        #expect(inbox.names() == ["a/file.csv"] && inbox.text("a/file.csv") == "contents")
    }

    @Test(
        "cut off while writing, with so much on the disk that the file has no room beside it: the part makes room",
        .enabled(if: TemporaryFolder.mayMount))
    func makesRoom() async throws {
        let inbox = try Inbox()
        let disk = try TemporaryFolder("disk")
        let path = try disk.makeFolder("mnt")
        try disk.mountSmall(on: "mnt")
        let file = try Consignor(inbox, String(repeating: "x", count: 600 << 10))
        try disk.write([UInt8](repeating: 1, count: 600 << 10), to: "mnt/.file.csv.\(file.delivery).part")
        _ = try await file.send(to: inbox.destination(path: path), attempt: 2)
        #expect(try disk.names(in: "mnt") == ["file.csv"])
    }

    @Test("killed before a new folder got its mode: the next delivery gives it")
    func halfMadeFolder() async throws {
        let inbox = try Inbox()
        let (folder, foreign) = (inbox.path + "/a", inbox.path + "/a/b")
        #expect(mkdir(folder, 0o700) == 0 && mkdir(foreign, 0o700) == 0 && chmod(folder, 0o1700) == 0)
        _ = try await Consignor(inbox).send(to: inbox.destination(mode: "0644"), as: "a/b/c/file.csv")
        let modes = try ["a", "a/b", "a/b/c"].map { try DirectoryHandle.open(inbox.path + "/" + $0).status().mode }
        #expect(modes == [0o755, 0o700, 0o755])
    }

    @Test("cut off between the checkpoint and the rename: the part is placed without a second copy")
    func beforeTheRename() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let checkpoint = try await cutOffAtSave(file, inbox)
        let part = try #require(inbox.names().first)
        let inode = try DirectoryHandle.open(inbox.path).status(of: Array(part.utf8)).identity.inode
        let receipt = try await file.send(to: inbox.destination(), from: checkpoint, attempt: 2)
        #expect(receipt.confirmation == .byAnswer && receipt.stages[0].facts["inode"] == String(inode))
        #expect(inbox.names() == ["file.csv"])
    }

    @Test("cut off after the rename: asking shows that it is there, and it stays one file")
    func afterTheRename() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let first = try await file.send(to: inbox.destination())
        let again = try await file.send(to: inbox.destination(), from: file.saved.last, attempt: 2)
        #expect(again.confirmation == .byQuestion && again.key == first.key)
        #expect(again.stages[0].facts["sha256"] == first.stages[0].facts["sha256"])
        #expect(inbox.names() == ["file.csv"])
    }

    @Test("cut off after a rename to a suffix: it is found there")
    func afterTheSuffix() async throws {
        let inbox = try Inbox()
        try inbox.put("file.csv", "theirs")
        let file = try Consignor(inbox)
        let first = try await file.send(to: inbox.destination())
        let again = try await file.send(to: inbox.destination(), from: file.saved.last, attempt: 2)
        #expect(again.confirmation == .byQuestion && again.key == first.key)
        #expect(inbox.names().count == 2)
    }

    @Test("cut off before the rename, and the name is taken when it goes on: it gets the suffix")
    func takenMeanwhile() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let checkpoint = try await cutOffAtSave(file, inbox)
        try inbox.put("file.csv", "theirs")
        let receipt = try await file.send(to: inbox.destination(), from: checkpoint, attempt: 2)
        #expect(receipt.key == "file~\(file.delivery.shortForm).csv")
        #expect(inbox.text("file.csv") == "theirs" && inbox.names().count == 2)
    }

    @Test("the same delivery without a checkpoint leaves one copy", arguments: ["suffix", "fail", "replace"])
    func withoutCheckpoint(whenTaken: String) async throws {
        let inbox = try Inbox()
        let probe = try DirectoryHandle.open(inbox.path).createFile(Array("probe".utf8))
        guard probe.attach("x", as: "pouch.test") else { return print("no user attributes in \(inbox.path): not tested") }
        #expect(unlink(inbox.path + "/probe") == 0)
        let file = try Consignor(inbox)
        let destination = try inbox.destination(whenTaken: whenTaken)
        let first = try await file.send(to: destination)
        #expect(try await file.send(to: destination).key == first.key)
        #expect(try await file.send(to: destination, attempt: 2).key == first.key)
        #expect(inbox.names() == ["file.csv"])
    }

    @Test("a part that was removed or replaced since the checkpoint is written anew")
    func lostPart() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let checkpoint = try await cutOffAtSave(file, inbox)
        let part = inbox.path + "/" + (try #require(inbox.names().first))
        #expect(unlink(part) == 0)
        try "foreign!".write(toFile: part, atomically: false, encoding: .utf8)
        _ = try await file.send(to: inbox.destination(), from: checkpoint, attempt: 2)
        #expect(inbox.names() == ["file.csv"] && inbox.text("file.csv") == "contents")
    }

    @Test("a part of what the file was before it was taken afresh is not placed")
    func outdatedPart() async throws {
        let inbox = try Inbox()
        let first = try Consignor(inbox, "contents")
        let checkpoint = try await cutOffAtSave(first, inbox)
        let retaken = try Consignor(inbox, "CONTENTS", delivery: first.delivery)
        _ = try await retaken.send(to: inbox.destination(), from: checkpoint, attempt: 2)
        #expect(inbox.names() == ["file.csv"] && inbox.text("file.csv") == "CONTENTS")
    }

    @Test("a checkpoint of an unknown version starts the delivery again")
    func foreignCheckpoint() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let destination = try inbox.destination()
        let foreign = Checkpoint(stage: .place, version: 99, target: destination.traits.target, payload: [1, 2, 3])
        let garbled = Checkpoint(stage: .place, version: 1, target: destination.traits.target, payload: [1, 2, 3])
        _ = try await file.send(to: destination, from: foreign, attempt: 2)
        _ = try await Consignor(inbox).send(to: destination, as: "other", from: garbled, attempt: 2)
        await destination.abandon(garbled)
        #expect(inbox.names() == ["file.csv", "other"])
    }

    @Test("abandoning removes the part of this delivery, and nothing else")
    func abandons() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination()
        let file = try Consignor(inbox)
        let checkpoint = try await cutOffAtSave(file, inbox)
        let part = try #require(inbox.names().first)
        try inbox.put("file.csv", "theirs")
        await destination.abandon(checkpoint)
        #expect(inbox.names() == ["file.csv"])
        try inbox.put(part, "contents")
        await destination.abandon(checkpoint)
        #expect(inbox.names().count == 2)
    }

    @Test("abandoning never removes what the partner can see")
    func abandonAfterDelivery() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination()
        let file = try Consignor(inbox)
        _ = try await file.send(to: destination)
        await destination.abandon(try #require(file.saved.last))
        #expect(inbox.names() == ["file.csv"])
    }

    /// What a crash right after the checkpoint leaves.
    private func cutOffAtSave(_ file: Consignor, _ inbox: Inbox) async throws -> Checkpoint {
        file.whenSaving { _ throws(DeliveryFailure) in
            throw DeliveryFailure(.retry, code: "cut", attempt: "save", cause: "cut off")
        }
        #expect(try await file.failure(to: inbox.destination())?.code == "cut")
        file.whenSaving { _ in }
        return try #require(file.saved.last)
    }
}
