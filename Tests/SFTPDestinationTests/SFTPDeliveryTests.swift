import Foundation
import PouchKit
import PouchTestSupport
import SFTPDestination
import Testing

@Suite("A delivery to an SFTP server", .sshd)
struct SFTPDeliveryTests {
    private let partner: PartnerFolder
    private let scratch: TemporaryFolder

    init() throws {
        partner = try PartnerFolder(try #require(RunningServer.running))
        scratch = try TemporaryFolder("sources")
    }

    private func file(_ size: Int = 10_000, seed: UInt64 = 1) throws -> TestFile {
        var generator = SeededGenerator(seed: seed)
        return try TestFile(generator.bytes(size), in: scratch)
    }

    private func object(_ name: String) throws -> SeenObject { SeenObject(try partner.folder.read("inbox/" + name)) }

    // MARK: Names on the way

    @Test(
        "bears its delivery's id in its temporary name until it is whole",
        arguments: [
            (SFTPSettings.Upload.hidden, #"inbox/a/.f.csv.ID.part"#), (.part, "inbox/a/f.csv.ID.part"),
            (.staging, "incoming/f.csv.ID.part"),
            (.direct, "inbox/a/f.csv"),
        ])
    func temporaryNames(upload: SFTPSettings.Upload, name: String) async throws {
        let destination = try partner.destination {
            $0.upload = upload
            if upload == .staging { $0.staging = partner.folder.path("incoming") }
        }
        let (file, delivery) = (try file(9 << 20), DeliveryID.random())
        let seen = AsyncStream.makeStream(of: [String].self)
        let recorder = RecordingContext(
            key: try DeliveryKey("a/f.csv"), delivery: delivery,
            whenSent: { [partner] sent in
                if sent > 1 << 20 { seen.continuation.yield((try? partner.folder.names()) ?? []) }
            })
        let receipt = try await destination.receipt(file, recorder)
        let onTheWay = await seen.stream.first { _ in true }
        #expect(onTheWay == [name.replacing("ID", with: delivery.description)])
        #expect(try partner.folder.names() == ["inbox/a/f.csv"])
        #expect(try object("a/f.csv") == file.contents)
        #expect(receipt.stages.first?.facts["hostKey"] == (try partner.server.fingerprint()))
    }

    @Test("is found again after its file was uploaded directly, and not sent again")
    func directAgain() async throws {
        let destination = try partner.destination { $0.upload = .direct }
        let (file, first) = (try file(), try RecordingContext("f.csv"))
        _ = try await destination.receipt(file, first)
        let again = try RecordingContext("f.csv", delivery: first.delivery, attempt: 2)
        let before = partner.relay.bytesFromClient
        let receipt = try await destination.receipt(file, again, from: first.saved.last)
        #expect(receipt.confirmation == .byQuestion)
        #expect(partner.relay.bytesFromClient - before < 10_000)
        #expect(try partner.names() == ["f.csv"])
    }

    @Test("of an empty file that never came to be is uploaded, also directly")
    func directEmpty() async throws {
        let destination = try partner.destination { $0.upload = .direct }
        let (file, first) = (try TestFile([], in: scratch), try RecordingContext("empty.csv"))
        _ = try await destination.receipt(file, first)
        #expect(unlink(partner.path + "/empty.csv") == 0)
        let again = try RecordingContext("empty.csv", delivery: first.delivery, attempt: 2)
        _ = try await destination.receipt(file, again, from: first.saved.last)
        #expect(try partner.names() == ["empty.csv"])
    }

    @Test("uploaded directly, goes beside what is there")
    func directTaken() async throws {
        try partner.folder.write("a stranger's", to: "inbox/f.csv")
        let (file, recorder) = (try file(), try RecordingContext("f.csv"))
        let receipt = try await partner.destination { $0.upload = .direct }.receipt(file, recorder)
        #expect(receipt.key == "f~\(recorder.delivery.shortForm).csv")
        #expect(try partner.text("f.csv") == "a stranger's")
        #expect(try object(receipt.key) == file.contents)
    }

    @Test("does not take yesterday's file of its size and with its end for the beginning of its own")
    func directYesterday() async throws {
        let destination = try partner.destination {
            $0.upload = .direct
            $0.whenTaken = .replace
        }
        var generator = SeededGenerator(seed: 3)
        let end = generator.bytes(2 << 20)
        try partner.folder.write(Array("v1".utf8) + end, to: "inbox/f.bin")
        let file = try TestFile(Array("v2".utf8) + end, in: scratch)
        // Stopped with the checkpoint on disk, before the first byte.
        let first = RecordingContext(
            key: try DeliveryKey("f.bin"), whenDurable: { _ async throws(DeliveryFailure) in throw RecordingContext.journalFailure }
        )
        _ = try await destination.failure(file, first)
        let again = try RecordingContext("f.bin", delivery: first.delivery, attempt: 2)
        _ = try await destination.receipt(file, again, from: first.saved.last)
        #expect(try object("f.bin") == file.contents)
    }

    @Test("does not take yesterday's file of its size for its own when its temporary file was cleared away")
    func replacedYesterday() async throws {
        let destination = try partner.destination { $0.whenTaken = .replace }
        let (file, folder) = (try file(), partner.folder)
        try partner.folder.write([UInt8](repeating: 0x79, count: 10_000), to: "inbox/daily.csv")
        let first = RecordingContext(
            key: try DeliveryKey("daily.csv"),
            whenDurable: { _ async throws(DeliveryFailure) in throw RecordingContext.journalFailure })
        _ = try await destination.failure(file, first)
        for name in try folder.names(in: "inbox").filter(PartnerFolder.isTemporary) {
            #expect(unlink(folder.path("inbox/" + name)) == 0)
        }
        let again = try RecordingContext("daily.csv", delivery: first.delivery, attempt: 2)
        _ = try await destination.receipt(file, again, from: first.saved.last)
        #expect(try object("daily.csv") == file.contents && partner.names() == ["daily.csv"])
    }

    // MARK: Attributes and sidecars

    @Test("of a long name has a temporary name of its own for its sidecars, too")
    func longNames() async throws {
        let (file, name) = (try file(), String(repeating: "x", count: 240))
        _ = try await partner.destination { $0.sidecar = OneOrMore([.sha256, .done]) }.receipt(file, RecordingContext(name))
        #expect(try object(name) == file.contents)
        #expect(try partner.names() == [name, name + ".done", name + ".sha256"])
    }

    @Test("whose sidecar somebody else made, since, is not said to have one of its own")
    func foreignSidecar() async throws {
        let destination = try partner.destination { $0.sidecar = OneOrMore([.done]) }
        let (file, first) = (try file(), try RecordingContext("f.csv"))
        _ = try await destination.receipt(file, first)
        try partner.folder.write("a stranger's", to: "inbox/f.csv.done")
        let again = try RecordingContext("f.csv", delivery: first.delivery, attempt: 2)
        let failure = try await destination.failure(file, again, from: first.saved.last)
        #expect(failure.remedy == .hold && failure.cause.contains("f.csv.done exists and is no sidecar"), "\(failure)")
        #expect(try partner.text("f.csv.done") == "a stranger's")
    }

    @Test("with when-taken: replace leaves a file alone that bears its sidecar's name and is none")
    func replacesOnlySidecars() async throws {
        let destination = try partner.destination {
            $0.whenTaken = .replace
            $0.sidecar = OneOrMore([.sha256])
        }
        try partner.folder.write("delivered before", to: "inbox/f.csv.sha256")
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.remedy == .quarantine && failure.code == "key-taken", "\(failure)")
        #expect(try partner.text("f.csv.sha256") == "delivered before" && !partner.folder.exists("inbox/f.csv"))
    }

    @Test("gets the mode and the time that were asked for, whatever the server's umask says")
    func attributes() async throws {
        let file = try file()
        _ = try await partner.destination {
            $0.mode = "0662"
            $0.mtime = true
        }.receipt(file, RecordingContext("x/f.csv"))
        let attributes = try FileManager.default.attributesOfItem(atPath: partner.path + "/x/f.csv")
        #expect(attributes[.posixPermissions] as? Int == 0o662)
        let modified = try #require(attributes[.modificationDate] as? Date)
        #expect(Int64(modified.timeIntervalSince1970) == file.outgoing().modified.seconds)
    }

    @Test("is followed by its checksum, which sha256sum accepts, and by its mark", arguments: ["plain.csv", #"odd \ name".csv"#])
    func sidecars(name: String) async throws {
        let (file, recorder) = (try file(), try RecordingContext("s/" + name))
        let destination = try partner.destination { $0.sidecar = OneOrMore([.done, .sha256]) }
        _ = try await destination.receipt(file, recorder)
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: partner.path + "/s")) == [
                name, name + ".sha256", name + ".done",
            ])
        let checking = Process()
        checking.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        checking.arguments = ["--status", "-c", name + ".sha256"]
        checking.currentDirectoryURL = URL(fileURLWithPath: partner.path + "/s")
        try checking.run()
        checking.waitUntilExit()
        #expect(checking.terminationStatus == 0)
        #expect(try partner.text("s/" + name + ".done").contains("delivery \(recorder.delivery)\n"))
    }

    @Test("whose mark is taken goes beside, with all that belongs to it")
    func takenSidecar() async throws {
        try partner.folder.write("a stranger's", to: "inbox/f.csv.done")
        let (file, recorder) = (try file(), try RecordingContext("f.csv"))
        let receipt = try await partner.destination { $0.sidecar = OneOrMore([.done]) }.receipt(file, recorder)
        #expect(receipt.key == "f~\(recorder.delivery.shortForm).csv")
        #expect(try partner.names() == ["f.csv.done", receipt.key, receipt.key + ".done"])
        #expect(try partner.text("f.csv.done") == "a stranger's")
    }

    @Test("whose answer was lost between the file and its mark gets its mark")
    func lostBetweenSidecars() async throws {
        let destination = try partner.destination { $0.sidecar = OneOrMore([.done]) }
        let (file, first) = (try file(), try RecordingContext("f.csv"))
        let folder = partner.folder
        partner.relay.change { $0.cutsAnswer = { folder.exists("inbox/f.csv") } }
        var receipt = try? await destination.receipt(file, first)
        if receipt == nil {
            let again = try RecordingContext("f.csv", delivery: first.delivery, attempt: 2)
            receipt = try await destination.receipt(file, again, from: first.saved.last)
        }
        #expect(receipt?.confirmation == .byQuestion)
        #expect(try partner.names().filter { !PartnerFolder.isTemporary($0) } == ["f.csv", "f.csv.done"])
    }

    @Test("replaces the file and the mark of the one before")
    func replaces() async throws {
        let destination = try partner.destination {
            $0.whenTaken = .replace
            $0.sidecar = OneOrMore([.done])
        }
        _ = try await destination.receipt(try file(seed: 1), RecordingContext("daily.csv"))
        let (second, recorder) = (try file(seed: 2), try RecordingContext("daily.csv"))
        _ = try await destination.receipt(second, recorder)
        #expect(try partner.names() == ["daily.csv", "daily.csv.done"])
        #expect(try object("daily.csv") == second.contents)
        #expect(try partner.text("daily.csv.done").contains(recorder.delivery.description))
    }

    // MARK: Going on

    @Test("cut at 50 % goes on from there, byte by byte")
    func resumes() async throws {
        let destination = try partner.destination()
        let size = 32 << 20
        let (file, first) = (try file(size), try RecordingContext("big.bin"))
        partner.relay.change { $0.cutAfter = size / 2 }
        let failure = try await destination.failure(file, first)
        #expect(failure.remedy == .retry, "\(failure)")
        #expect(try partner.names().allSatisfy(PartnerFolder.isTemporary))
        let before = partner.relay.bytesFromClient
        let again = try RecordingContext("big.bin", delivery: first.delivery, attempt: 2)
        _ = try await destination.receipt(file, again, from: first.saved.last)
        let sent = partner.relay.bytesFromClient - before
        #expect(sent < size * 6 / 10, "\(sent) of \(size) bytes were sent the second time")
        #expect(try partner.names() == ["big.bin"])
        #expect(try object("big.bin") == file.contents)
    }

    @Test(
        "starts again where what lies there is not the file's own beginning, or more than the file", arguments: ["other", "longer"])
    func doesNotResumeForeignBytes(what: String) async throws {
        let destination = try partner.destination()
        let (file, first) = (try file(9 << 20), try RecordingContext("big.bin"))
        partner.relay.change { $0.cutAfter = 4 << 20 }
        _ = try await destination.failure(file, first)
        let name = try #require(try partner.names().first)
        let bytes = [UInt8](repeating: 7, count: what == "other" ? 3 << 20 : 10 << 20)
        try partner.folder.write(bytes, to: "inbox/" + name)
        let again = try RecordingContext("big.bin", delivery: first.delivery, attempt: 2)
        _ = try await destination.receipt(file, again, from: first.saved.last)
        #expect(try object("big.bin") == file.contents)
        #expect(try partner.names() == ["big.bin"])
    }

    @Test("starts again where the temporary file was taken away")
    func startsAgain() async throws {
        let destination = try partner.destination()
        let (file, first) = (try file(9 << 20), try RecordingContext("big.bin"))
        partner.relay.change { $0.cutAfter = 4 << 20 }
        _ = try await destination.failure(file, first)
        try FileManager.default.removeItem(atPath: partner.folder.path("inbox/" + (try #require(try partner.names().first))))
        let again = try RecordingContext("big.bin", delivery: first.delivery, attempt: 2)
        _ = try await destination.receipt(file, again, from: first.saved.last)
        #expect(try object("big.bin") == file.contents)
    }

    @Test("does not take yesterday's empty file for its own")
    func yesterdaysTwin() async throws {
        let destination = try partner.destination()
        let (file, first) = (try TestFile([], in: scratch), try RecordingContext("empty.csv"))
        try partner.folder.write("", to: "inbox/empty.csv")
        let yesterday = Date(timeIntervalSinceNow: -86_400)
        try FileManager.default.setAttributes([.modificationDate: yesterday], ofItemAtPath: partner.path + "/empty.csv")
        let receipt = try await destination.receipt(file, RecordingContext("empty.csv", delivery: first.delivery, attempt: 2))
        #expect(receipt.key == "empty~\(first.delivery.shortForm).csv")
        #expect(try partner.names().count == 2)
    }

    @Test("to a server that lets nobody look is sent and renamed all the same", arguments: [[], [SFTPSettings.Sidecar.done]])
    func unseen(sidecars: [SFTPSettings.Sidecar]) async throws {
        let destination = try partner.destination {
            $0.sizeCheck = false
            $0.lookFirst = false
            $0.sidecar = OneOrMore(sidecars)
        }
        let file = try file()
        let receipt = try await destination.receipt(file, RecordingContext("blind/f.csv"))
        #expect(receipt.confirmation == .byAnswer)
        #expect(try object("blind/f.csv") == file.contents)
        #expect(try partner.names() == ["blind/f.csv"] + sidecars.map { "blind/f.csv.\($0.rawValue)" })
    }

    @Test("that the server did not keep whole is taken back and tried again")
    func shortened() async throws {
        let destination = try partner.destination()
        let (file, folder) = (try file(), partner.folder)
        // Between the upload and the look at its size the agent notes what comes next.
        let recorder = RecordingContext(
            key: try DeliveryKey("f.csv"),
            whenDurable: { _ async throws(DeliveryFailure) in
                guard let name = try? folder.names(in: "inbox").first else { return }
                _ = truncate(folder.path("inbox/" + name), 9_999)
            })
        let failure = try await destination.failure(file, recorder)
        #expect(failure.remedy == .retry && failure.code == "size-differs", "\(failure)")
        // Its checkpoint leads to it: that it is there tells the next attempt that it was not renamed.
        #expect(try partner.names().allSatisfy(PartnerFolder.isTemporary) && partner.names().count == 1)
        let longer = RecordingContext(
            key: try DeliveryKey("f.csv"), delivery: recorder.delivery, attempt: 2,
            whenDurable: { _ async throws(DeliveryFailure) in
                guard let name = try? folder.names(in: "inbox").first else { return }
                _ = truncate(folder.path("inbox/" + name), 10_001)
            })
        #expect(try await destination.failure(file, longer, from: recorder.saved.last).code == "size-differs")
        let last = try RecordingContext("f.csv", delivery: recorder.delivery, attempt: 3)
        _ = try await destination.receipt(file, last, from: longer.saved.last)
        #expect(try object("f.csv") == file.contents)
        #expect(try partner.names() == ["f.csv"])
    }

    @Test("uses its sessions again and again, and never more than it may")
    func sessions() async throws {
        let destination = try partner.destination { $0.sessions = 3 }
        let files = try (0..<24).map { try file(1_000, seed: UInt64($0)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, file) in files.enumerated() {
                group.addTask { _ = try await destination.receipt(file, RecordingContext("many/\(index)")) }
            }
            try await group.waitForAll()
        }
        #expect(partner.relay.accepted <= 3)
        #expect(try partner.names().count == 24)
    }

    @Test("survives that its kept session was dropped unseen")
    func deadSession() async throws {
        let destination = try partner.destination { $0.sessions = 1 }
        _ = try await destination.receipt(try file(), RecordingContext("one.csv"))
        partner.relay.cutAll()
        let second = try file(seed: 2)
        let recorder = try RecordingContext("two.csv")
        do { _ = try await destination.receipt(second, recorder) } catch let failure as DeliveryFailure {
            #expect(failure.remedy == .retry)
            _ = try await destination.receipt(second, RecordingContext("two.csv", delivery: recorder.delivery, attempt: 2))
        }
        #expect(try object("two.csv") == second.contents)
    }
}
