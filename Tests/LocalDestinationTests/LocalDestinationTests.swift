import Foundation
import Glibc
import LocalDestination
import PouchFiles
import PouchKit
import Testing

@Suite("Delivering into a local folder")
struct LocalDestinationTests {
    @Test("the file arrives whole, with mode and time, and the receipt says where and what")
    func delivers() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox, "hello")
        let receipt = try await file.send(to: inbox.destination(mode: "0604"), as: "eu/2026 ü/a.csv")
        #expect(inbox.names() == ["eu/2026 ü/a.csv"])
        #expect(inbox.text("eu/2026 ü/a.csv") == "hello")
        let status = try DirectoryHandle.open(inbox.path).status(of: Array("eu/2026 ü/a.csv".utf8))
        #expect(status.mode == 0o604)
        #expect(status.identity.modified == (try OpenFile.open(file.path).status().identity.modified))
        #expect(receipt.key == "eu/2026 ü/a.csv" && receipt.confirmation == .byAnswer)
        #expect(receipt.location == "file://\(inbox.path)/eu/2026%20%C3%BC/a.csv")
        let facts = try #require(receipt.stages.first).facts
        #expect(facts["sha256"] == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        #expect(facts["inode"] == String(status.identity.inode) && facts["mode"] == "0604")
        #expect(facts["path"] == inbox.path + "/eu/2026 ü/a.csv")
    }

    @Test("files of no bytes and of several blocks arrive")
    func sizes() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination()
        _ = try await Consignor(inbox, "").send(to: destination, as: "empty")
        let large = String(repeating: "0123456789abcdef", count: 200_001)
        _ = try await Consignor(inbox, large).send(to: destination, as: "large")
        #expect(inbox.text("empty") == "" && inbox.text("large") == large)
    }

    @Test("nothing that is half written is ever seen under the final name")
    func placedLast() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        file.whenSaving { _ in
            #expect(inbox.text("file.csv") == nil)
            #expect(inbox.names() == [".file.csv.\(file.delivery).part"])
        }
        _ = try await file.send(to: inbox.destination())
        // The action holds the file, and the file the action.
        file.whenSaving { _ in }
        #expect(inbox.names() == ["file.csv"])
        #expect(file.saved.map(\.stage) == [.place])
    }

    @Test("a taken name gets a suffix, and what was there stays", arguments: ["file", "folder", "link", "dangling link"])
    func suffix(taken: String) async throws {
        let inbox = try Inbox()
        try inbox.put("other", "theirs")
        switch taken {
        case "file": try inbox.put("file.csv", "theirs")
        case "folder": #expect(mkdir(inbox.path + "/file.csv", 0o700) == 0)
        case "link": #expect(symlink("other", inbox.path + "/file.csv") == 0)
        default: #expect(symlink("nowhere", inbox.path + "/file.csv") == 0)
        }
        let file = try Consignor(inbox)
        let receipt = try await file.send(to: inbox.destination(whenTaken: "suffix"))
        #expect(receipt.key == "file~\(file.delivery.shortForm).csv")
        #expect(inbox.text(receipt.key) == "contents" && inbox.text("other") == "theirs")
        #expect(inbox.names().filter { $0.hasSuffix(".part") }.isEmpty)
        #expect(file.saved.count == 2)
    }

    @Test("when-taken: fail quarantines, and leaves what was there and no part")
    func fail() async throws {
        let inbox = try Inbox()
        try inbox.put("file.csv", "theirs")
        let failure = try await Consignor(inbox).failure(to: inbox.destination(whenTaken: "fail"))
        #expect(failure?.remedy == .quarantine && failure?.code == "key-taken")
        #expect(inbox.names() == ["file.csv"] && inbox.text("file.csv") == "theirs")
    }

    @Test("when-taken: replace replaces a file, and not a folder")
    func replace() async throws {
        let inbox = try Inbox()
        try inbox.put("file.csv", "theirs")
        let destination = try inbox.destination(whenTaken: "replace")
        #expect(try await Consignor(inbox).send(to: destination).key == "file.csv")
        #expect(inbox.text("file.csv") == "contents")
        #expect(mkdir(inbox.path + "/folder", 0o700) == 0)
        #expect(try await Consignor(inbox).failure(to: destination, as: "folder")?.remedy == .quarantine)
        #expect(inbox.names() == ["file.csv"])
    }

    @Test("two hundred deliveries of one name at once all arrive, each under its own")
    func manyAtOnce() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination()
        let files = try (0..<200).map { try Consignor(inbox, "file \($0)") }
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for file in files { group.addTask { try await file.send(to: destination, as: "a/b/file.csv").key } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(keys.count == 200)
        #expect(Set(inbox.names()) == keys)
        #expect(Set(inbox.names().compactMap(inbox.text)) == Set((0..<200).map { "file \($0)" }))
    }

    @Test("a link on the way into the folder is not followed, and holds the partner")
    func linkOnTheWay() async throws {
        let inbox = try Inbox()
        #expect(mkdir(inbox.base + "/outside", 0o700) == 0)
        #expect(symlink(inbox.base + "/outside", inbox.path + "/eu") == 0)
        let failure = try await Consignor(inbox).failure(to: inbox.destination(), as: "eu/x/file.csv")
        #expect(failure?.remedy == .hold && failure?.code == "ELOOP" && failure?.hint != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: inbox.base + "/outside").isEmpty)
    }

    @Test("a source of another size than it was claimed with is not delivered", arguments: [7, 9, 0] as [Int64])
    func lyingSize(size: Int64) async throws {
        let inbox = try Inbox()
        let failure = try await Consignor(inbox, "contents", lyingSize: size).failure(to: inbox.destination())
        #expect(failure?.remedy == .sourceChanged)
        #expect(inbox.names().isEmpty)
    }

    @Test("a source that was changed after its digest was taken is not delivered")
    func changedSource() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox, "contents")
        try file.change(to: "CONTENTS")
        #expect(try await file.failure(to: inbox.destination())?.remedy == .sourceChanged)
        #expect(inbox.names().isEmpty && file.saved.isEmpty)
    }

    @Test("when the journal cannot save, nothing is placed and its failure is passed on")
    func journalFails() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let full = DeliveryFailure(.retry, code: "journal", attempt: "save", cause: "full")
        file.whenSaving { _ throws(DeliveryFailure) in throw full }
        #expect(try await file.failure(to: inbox.destination()) == full)
        #expect(inbox.text("file.csv") == nil)
        file.whenSaving { _ in }
        _ = try await file.send(to: inbox.destination(), attempt: 2)
        #expect(inbox.names() == ["file.csv"])
    }

    @Test("cancelling ends a copy soon, with a retry and no part")
    func cancels() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox, String(repeating: "x", count: 5_000_000))
        let slow = TransferBudget.Limits(bytesPerSecond: 8, atOnce: 1)
        let destination = try inbox.destination()
        let task = Task { try await file.failure(to: destination, limits: slow) }
        task.cancel()
        #expect(try await task.value?.remedy == .retry)
        #expect(inbox.names().isEmpty)
    }

    @Test("an attempt that takes longer than it may ends with a retry")
    func deadline() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox, String(repeating: "x", count: 5_000_000))
        let limits = TransferBudget.Limits(bytesPerSecond: 8, atOnce: 1, deadline: .milliseconds(1))
        #expect(try await file.failure(to: inbox.destination(), limits: limits)?.remedy == .retry)
        #expect(inbox.names().isEmpty)
    }

    @Test("a file larger than the free space waits, and is not begun")
    func noSpace() async throws {
        let inbox = try Inbox()
        let failure = try await Consignor(inbox, "x", lyingSize: 1 << 60).failure(to: inbox.destination())
        #expect(failure?.remedy == .retry(after: .seconds(60)) && failure?.code == "ENOSPC")
        #expect(inbox.names().isEmpty)
    }

    @Test("names that no file system takes quarantine the file; long ones that it takes arrive")
    func longNames() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination()
        let long = String(repeating: "ü", count: 127)
        _ = try await Consignor(inbox).send(to: destination, as: long)
        let suffixed = try await Consignor(inbox).send(to: destination, as: long)
        #expect(suffixed.key.utf8.count <= 255)
        #expect(inbox.names().count == 2)
        let failure = try await Consignor(inbox).failure(to: destination, as: String(repeating: "n", count: 256))
        #expect(failure?.remedy == .quarantine && failure?.code == "ENAMETOOLONG")
    }

    @Test("a file in the place of a folder quarantines what would go into it")
    func fileInTheWay() async throws {
        let inbox = try Inbox()
        try inbox.put("eu", "a file")
        let failure = try await Consignor(inbox).failure(to: inbox.destination(), as: "eu/file.csv")
        #expect(failure?.remedy == .quarantine && failure?.code == "ENOTDIR")
    }

    @Test("folders that are not to be made hold the partner")
    func missingFolders() async throws {
        let inbox = try Inbox()
        let strict = try inbox.destination(createFolders: false)
        #expect(try await Consignor(inbox).failure(to: strict, as: "eu/file.csv")?.remedy == .hold)
        let nowhere = try inbox.destination(createFolders: false, path: inbox.base + "/nowhere")
        #expect(try await Consignor(inbox).failure(to: nowhere)?.remedy == .hold)
        #expect(access(inbox.base + "/nowhere", F_OK) == -1)
    }

    @Test("folders are made with the mode that their files ask for")
    func folderModes() async throws {
        let inbox = try Inbox()
        let path = inbox.base + "/made"
        _ = try await Consignor(inbox).send(to: inbox.destination(mode: "0664", path: path), as: "a/file.csv")
        #expect(try DirectoryHandle.open(path).status().mode == 0o775)
        #expect(try DirectoryHandle.open(path + "/a").status().mode == 0o775)
    }

    @Test("a full disk waits, a disk that is read-only holds")
    func disks() async throws {
        let inbox = try Inbox()
        let text = String(repeating: "x", count: 300_000)
        guard Mount.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", inbox.path]) else {
            return print("mounting is not permitted: not tested")
        }
        defer { _ = Mount.run(["umount", "-l", inbox.path]) }
        let destination = try inbox.destination()
        #expect(try await Consignor(inbox, text).failure(to: destination)?.remedy == .retry(after: .seconds(60)))
        #expect(inbox.names().isEmpty)
        _ = try await Consignor(inbox).send(to: destination)
        #expect(Mount.run(["mount", "-o", "remount,ro", inbox.path]))
        let failure = try await Consignor(inbox).failure(to: destination)
        #expect(failure?.remedy == .hold && failure?.code == "EROFS" && failure?.hint != nil)
        #expect(await destination.check().contains { $0.severity == .failure })
    }
}

enum Mount {
    /// True when the command ended well.
    static func run(_ command: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
