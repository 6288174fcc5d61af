import Foundation
import Glibc
import LocalDestination
import PouchFiles
import PouchKit
import Testing

@Suite("A sidecar beside each delivered file")
struct SidecarTests {
    @Test(
        "has the digest in the form of sha256sum, and sha256sum agrees",
        arguments: ["file.csv", "a/file with spaces.csv", #"back\slash"#])
    func digest(key: String) async throws {
        let inbox = try Inbox()
        let receipt = try await Consignor(inbox).send(to: inbox.destination(mode: "0604", sidecar: ".sha256"), as: key)
        let name = (key as NSString).lastPathComponent
        #expect(inbox.names() == [key, key + ".sha256"].sorted())
        #expect(receipt.stages[0].facts["sidecar"] == name + ".sha256")
        let sum = Process()
        sum.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        sum.arguments = ["--check", "--strict", "--status", name + ".sha256"]
        sum.currentDirectoryURL = URL(fileURLWithPath: inbox.path + "/" + key).deletingLastPathComponent()
        try sum.run()
        sum.waitUntilExit()
        #expect(sum.terminationStatus == 0)
        #expect(try DirectoryHandle.open(inbox.path).status(of: Array((key + ".sha256").utf8)).mode == 0o604)
    }

    @Test("of another suffix has the delivery's id")
    func marker() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        _ = try await file.send(to: inbox.destination(sidecar: ".done"))
        #expect(inbox.text("file.csv.done") == "\(file.delivery)\n")
    }

    @Test("comes after its file: when the file cannot be placed there is none")
    func comesLast() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        file.whenSaving { _ throws(DeliveryFailure) in
            throw DeliveryFailure(.retry, code: "cut", attempt: "save", cause: "cut off")
        }
        #expect(try await file.failure(to: inbox.destination(sidecar: ".done"))?.code == "cut")
        #expect(inbox.names().allSatisfy { $0.hasSuffix(".part") })
    }

    @Test("that a crash left out is added by the next attempt, with the checkpoint and without", arguments: [true, false])
    func addedLater(hasCheckpoint: Bool) async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let destination = try inbox.destination(sidecar: ".done")
        _ = try await file.send(to: destination)
        #expect(unlink(inbox.path + "/file.csv.done") == 0)
        let again = try await file.send(to: destination, from: hasCheckpoint ? file.saved.last : nil, attempt: 2)
        #expect(again.confirmation == .byQuestion)
        #expect(inbox.names() == ["file.csv", "file.csv.done"])
    }

    @Test("tells whose the file is where its note was lost")
    func tellsWhose() async throws {
        let inbox = try Inbox()
        let file = try Consignor(inbox)
        let destination = try inbox.destination(sidecar: ".done")
        _ = try await file.send(to: destination)
        #expect(unlink(inbox.path + "/file.csv") == 0)
        try inbox.put("file.csv", "contents")
        #expect(try await file.send(to: destination, attempt: 2).confirmation == .byQuestion)
        #expect(inbox.names() == ["file.csv", "file.csv.done"])
    }

    @Test("whose name is taken sends both to the suffixed name, or quarantines, and never overwrites")
    func taken() async throws {
        let inbox = try Inbox()
        try inbox.put("file.csv.done", "theirs")
        let file = try Consignor(inbox)
        let receipt = try await file.send(to: inbox.destination(sidecar: ".done"))
        #expect(receipt.key == "file~\(file.delivery.shortForm).csv")
        #expect(inbox.text("file.csv.done") == "theirs" && inbox.names() == ["file.csv.done", receipt.key, receipt.key + ".done"])
        let other = try Consignor(inbox)
        let failure = try await other.failure(to: inbox.destination(whenTaken: "fail", sidecar: ".done"))
        #expect(failure?.remedy == .quarantine && failure?.code == "key-taken")
        #expect(inbox.names().count == 3)
    }

    @Test("with when-taken: replace an old one goes before the file is replaced, and never vouches for another")
    func replaces() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination(whenTaken: "replace", sidecar: ".sha256")
        _ = try await Consignor(inbox, "first").send(to: destination)
        let old = inbox.text("file.csv.sha256")
        let second = try Consignor(inbox, "second")
        second.whenSaving { _ in #expect(inbox.text("file.csv") == "first" && inbox.text("file.csv.sha256") == old) }
        _ = try await second.send(to: destination)
        #expect(inbox.text("file.csv") == "second" && inbox.text("file.csv.sha256") != old)
        #expect(inbox.names() == ["file.csv", "file.csv.sha256"])
    }

    @Test(
        "with when-taken: replace only a sidecar is replaced: a delivered file and a stranger's under its name stay",
        arguments: [".sha256", ".done"])
    func replacesOnlySidecars(suffix: String) async throws {
        let inbox = try Inbox()
        let theirs = suffix == ".done" ? "theirs" : String(repeating: "0", count: 63) + "  file.csv\n"
        try inbox.put("file.csv" + suffix, theirs)
        let failure = try await Consignor(inbox).failure(to: inbox.destination(whenTaken: "replace", sidecar: suffix))
        #expect(failure?.remedy == .quarantine && failure?.code == "key-taken", "\(failure?.description ?? "")")
        #expect(failure?.cause.contains("file.csv\(suffix) exists and is no sidecar") == true)
        #expect(inbox.names() == ["file.csv" + suffix] && inbox.text("file.csv" + suffix) == theirs)
    }

    @Test("with when-taken: replace a producer's own checksum that was delivered stays, where notes can be kept")
    func keepsDeliveredChecksums() async throws {
        let inbox = try Inbox()
        let probe = try DirectoryHandle.open(inbox.path).createFile(Array("probe".utf8))
        guard probe.attach("x", as: "pouch.test") else { return print("no user attributes in \(inbox.path): not tested") }
        #expect(unlink(inbox.path + "/probe") == 0)
        let destination = try inbox.destination(whenTaken: "replace", sidecar: ".sha256")
        let line = String(repeating: "0", count: 64) + "  file.csv\n"
        _ = try await Consignor(inbox, line).send(to: inbox.destination(), as: "file.csv.sha256")
        #expect(try await Consignor(inbox).failure(to: destination)?.remedy == .quarantine)
        #expect(inbox.names() == ["file.csv.sha256"] && inbox.text("file.csv.sha256") == line)
    }

    @Test("whose name would be too long quarantines, and leaves nothing")
    func tooLong() async throws {
        let inbox = try Inbox()
        let failure = try await Consignor(inbox).failure(
            to: inbox.destination(whenTaken: "fail", sidecar: ".sha256"), as: String(repeating: "x", count: 250))
        #expect(failure?.remedy == .quarantine && failure?.code == "ENAMETOOLONG")
        #expect(inbox.names() == [])
    }

    @Test(
        "is refused with a suffix that is none",
        arguments: ["", ".", "done", ".part", "./x", ".a b", "..", "." + String(repeating: "x", count: 32)])
    func badSuffixes(text: String) throws {
        #expect(throws: RefusedSettings.self) {
            try LocalDestination.make(LocalSettings(path: "/x", sidecar: text), relativeTo: "/")
        }
    }
}
