import Glibc
import PouchFiles
import PouchKit
import PouchWatch
import Testing

@Suite("DropWatcher, files", .timeLimit(.minutes(3)))
struct FileEventTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("a file that was there at the start is handed over")
    func thereBefore() async throws {
        try scratch.makeFolders("drop/a/b")
        try scratch.write("drop/x.csv")
        try scratch.write("drop/a/b/y.csv")
        try await scratch.watching { receiver, _ in
            await receiver.until { $0.isClaimed("x.csv") && $0.isClaimed("a/b/y.csv") }
            #expect(receiver.record.sweeps.first?.cause == .start)
            #expect(receiver.record.sweeps.first?.files == 2)
            #expect(receiver.record.sweeps.first?.directories == 3)
        }
    }

    @Test("a file that is written and closed is handed over, with what it is", arguments: ["", "contents"])
    func writtenAndClosed(text: String) async throws {
        try await scratch.watching { receiver, _ in
            try scratch.write("drop/x.csv", text)
            await receiver.until { $0.isClaimed("x.csv") }
            #expect(receiver.record.offered.count == 1)
            #expect(receiver.record.offered.first?.identity.size == Int64(text.utf8.count))
        }
    }

    @Test("a file that is moved in is handed over")
    func movedIn() async throws {
        try scratch.write("x.csv")
        try await scratch.watching { receiver, _ in
            try scratch.rename("x.csv", "drop/y.csv")
            await receiver.until { $0.isClaimed("y.csv") }
        }
    }

    @Test("a file that is renamed from a temporary name is handed over under its own, and only so")
    func renamedInPlace() async throws {
        try await scratch.watching { receiver, _ in
            try scratch.write("drop/x.csv.part")
            try scratch.rename("drop/x.csv.part", "drop/x.csv")
            await receiver.until { $0.isClaimed("x.csv") }
            #expect(receiver.record.offered.count == 1)
        }
    }

    @Test("a file that is linked in is handed over")
    func linkedIn() async throws {
        try scratch.write("x.csv")
        try await scratch.watching { receiver, _ in
            try scratch.check(link("\(scratch.base)/x.csv", "\(scratch.drop)/y.csv"), "link")
            await receiver.until { $0.isClaimed("y.csv") }
        }
    }

    @Test("a file that is held open for writing is handed over when it is closed, and not before")
    func heldOpen() async throws {
        try await scratch.watching { receiver, watcher in
            let writer = try scratch.open("drop/x.csv", writing: "half")
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.unsettled == 1)
            #expect(figures.taken == 0)
            try writer.write(" and half")
            writer.close()
            await receiver.until { $0.isClaimed("x.csv") }
            #expect(receiver.record.offered.map(\.identity.size) == [13])
        }
    }

    @Test("a file that one of two writers closed is handed over when the other closed it too")
    func twoWriters() async throws {
        try await scratch.watching { receiver, watcher in
            let first = try scratch.open("drop/x.csv", writing: "one")
            let second = try scratch.open("drop/x.csv")
            first.close()
            try scratch.write("drop/y.csv")
            // Events come in order: when this one was followed, so was the first close.
            await receiver.until { $0.isClaimed("y.csv") }
            #expect(!receiver.record.isClaimed("x.csv"))
            second.close()
            await receiver.until { $0.isClaimed("x.csv") }
        }
    }

    @Test("a file that is mapped for writing is handed over after the mapping ended")
    func mapped() async throws {
        try await scratch.watching { receiver, watcher in
            let writer = try scratch.open("drop/x.csv", writing: "contents")
            let mapping = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, writer.descriptor, 0)
            #expect(mapping != MAP_FAILED)
            writer.close()
            #expect(await watcher.sweepNow(folder: 0).unsettled == 1)
            #expect(receiver.record.offered.isEmpty)
            munmap(mapping, 8)
            await receiver.until { $0.isClaimed("x.csv") }
        }
    }

    @Test("a name that is not UTF-8, has a line break or is as long as can be is handed over as its bytes")
    func oddNames() async throws {
        let names: [[UInt8]] = [
            [0xFF, 0xFE, 0x80], Array("a\nb\u{1B}[31m".utf8), [UInt8](repeating: 0xE9, count: 255), Array("-rf *".utf8),
        ]
        try await scratch.watching { receiver, _ in
            for name in names { try scratch.write(bytes: name) }
            await receiver.until { record in names.allSatisfy { name in record.claimed.contains { $0.bytes == name } } }
        }
    }

    @Test("links, FIFOs and sockets are told once, with the reason, and never opened")
    func notFiles() async throws {
        try scratch.write("secret")
        try await scratch.watching { receiver, watcher in
            try scratch.check(symlink("\(scratch.base)/secret", "\(scratch.drop)/link"), "symlink")
            try scratch.check(symlink("nowhere", "\(scratch.drop)/dangling"), "symlink")
            try scratch.check(symlink("loop", "\(scratch.drop)/loop"), "symlink")
            try scratch.check(symlink("\(scratch.claims)", "\(scratch.drop)/folder-link"), "symlink")
            try scratch.check(mkfifo("\(scratch.drop)/fifo", 0o644), "mkfifo")
            let socket = try UnixSocket("\(scratch.drop)/socket")
            let expected = [
                "link": "a symbolic link", "dangling": "a symbolic link", "loop": "a symbolic link",
                "folder-link": "a symbolic link",
                "fifo": "a FIFO", "socket": "a socket",
            ]
            await receiver.until { $0.ignored.count == expected.count }
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.ignored == ["a symbolic link": 4, "a FIFO": 1, "a socket": 1])
            #expect(figures.files == 0)
            for (path, reasons) in receiver.record.ignored { #expect(reasons == [expected[path.text ?? ""]]) }
            #expect(receiver.record.offered.isEmpty)
            socket.close()
        }
    }

    @Test("what matches an ignore pattern is told once by the sweep that finds it, and taken under another name")
    func ignoredNames() async throws {
        let patterns = try IgnorePatterns(["*.log", "skip/"])
        try await scratch.watching(ignore: patterns) { receiver, watcher in
            try scratch.makeFolders("drop/skip")
            try scratch.write("drop/skip/in.csv")
            try scratch.write("drop/x.log")
            try scratch.write("drop/y.tmp")
            for _ in 0..<3 {
                let figures = await watcher.sweepNow(folder: 0)
                #expect(
                    figures.ignored == [
                        "matches ignore: *.log": 1, "matches ignore: skip/": 1, "a temporary or hidden name (*.tmp)": 1,
                    ])
            }
            #expect(
                receiver.record.ignored.mapValues(\.count) == [
                    try DropPath("x.log"): 1, try DropPath("y.tmp"): 1, try DropPath("skip"): 1,
                ])
            try scratch.rename("drop/x.log", "drop/x.csv")
            await receiver.until { $0.isClaimed("x.csv") }
            #expect(receiver.record.offered.count == 1)
        }
    }

    @Test("our own claims in the folder are never looked at")
    func ownClaims() async throws {
        try scratch.makeFolders("drop/.pouch/1")
        try scratch.write("drop/.pouch/1/x.csv")
        try await scratch.watching(ignore: try IgnorePatterns(["!.*", "!.pouch"])) { receiver, watcher in
            try scratch.write("drop/.pouch/1/y.csv")
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.directories == 1)
            #expect(figures.ignored.isEmpty)
            #expect(receiver.record.offered.isEmpty)
        }
    }

    @Test("a file is handed over when its marker is there, with the marker, which is no drop itself")
    func marker() async throws {
        try await scratch.watching(ready: .marker(try MarkerTemplate("{name}.done"))) { receiver, watcher in
            try scratch.makeFolders("drop/a")
            try scratch.write("drop/a/x.csv")
            try scratch.write("drop/a/early.csv.done")
            var figures = await watcher.sweepNow(folder: 0)
            #expect(figures.unsettled == 1)
            #expect(figures.markers == 1)
            #expect(receiver.record.offered.isEmpty)
            try scratch.write("drop/a/x.csv.done", "")
            await receiver.until { $0.isClaimed("a/x.csv") }
            #expect(receiver.record.offered.first?.marker?.text == "a/x.csv.done")
            try scratch.write("drop/a/early.csv")
            await receiver.until { $0.isClaimed("a/early.csv") }
            figures = await watcher.sweepNow(folder: 0)
            #expect(figures.files == 0)
            #expect(figures.markers == 0)
        }
    }

    @Test("a file is handed over when it was quiet for long enough after the last write, closed or not")
    func quiet() async throws {
        let clock = StillClock()
        try await scratch.watching(ready: .quiet(.seconds(5)), clock: clock) { receiver, watcher in
            let writer = try scratch.open("drop/x.csv", writing: "one")
            #expect(await watcher.sweepNow(folder: 0).unsettled == 1)
            clock.advance(by: .milliseconds(4_999))
            try writer.write("two")
            #expect(await watcher.sweepNow(folder: 0).unsettled == 1)
            clock.advance(by: .milliseconds(4_999))
            #expect(await watcher.sweepNow(folder: 0).unsettled == 1)
            #expect(receiver.record.offered.isEmpty)
            clock.advance(by: .milliseconds(1))
            await receiver.until { $0.isClaimed("x.csv") }
            #expect(receiver.record.offered.map(\.identity.size) == [6])
            writer.close()
        }
    }

    @Test("what the receiver refuses is offered again, and counted")
    func refused() async throws {
        try scratch.write("drop/x.csv")
        try await scratch.watching(refusals: 3) { receiver, _ in
            await receiver.until { $0.isClaimed("x.csv") }
            #expect(receiver.record.offered.count == 4)
            #expect(receiver.record.sweeps.first?.refused == 1)
        }
    }

    @Test("a file that stays is offered until the receiver knows it, and again when it changed")
    func kept() async throws {
        try scratch.write("drop/x.csv", "one")
        try await scratch.watching(keeps: true) { receiver, watcher in
            await receiver.until { $0.offered.count == 1 }
            for _ in 0..<4 { #expect(await watcher.sweepNow(folder: 0).files == 1) }
            #expect(receiver.record.offered.count == 2)
            #expect(await watcher.sweepNow(folder: 0).known == 1)
            try scratch.write("drop/x.csv", "longer")
            await receiver.until { $0.claimed.count == 2 }
            #expect(receiver.record.offered.last?.identity.size == 6)
        }
    }
}

/// A listening socket with a name.
private struct UnixSocket: ~Copyable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let answer = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard answer == 0 else { throw Scratch.Problem(operation: "bind", code: errno) }
    }

    consuming func close() { Glibc.close(descriptor) }
}
