import Foundation
import Glibc
import PouchFiles
import PouchKit
import Testing

@Suite("An open file")
struct OpenFileTests {
    @Test("a problem says what was tried, on which path, and the system's words and number")
    func problemText() {
        let found = problem { () throws(FileProblem) in _ = try OpenFile.open("/nowhere/at\nall") }
        #expect(found?.description == "could not open /nowhere/at\\u{a}all: No such file or directory (ENOENT)")
        #expect(found?.isMissing == true)
    }

    @Test("identity survives a rename and tells a file from its successor of the same name")
    func identity() throws {
        let scratch = try Scratch()
        let path = try scratch.file("a", "one")
        let first = try OpenFile.open(path).status().identity
        try scratch.folder.rename(bytes("a"), to: scratch.folder, as: bytes("b"))
        #expect(try scratch.folder.status(of: bytes("b")).identity == first)
        try scratch.file("a", "one")
        let second = try scratch.folder.status(of: bytes("a")).identity
        #expect(!second.isSameFile(as: first))
        #expect(first.birth > 0)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(second.device == UInt64(status.st_dev) && second.inode == UInt64(status.st_ino))
    }

    @Test("reading at an offset leaves the descriptor's own where it is")
    func readsAtOffset() throws {
        let scratch = try Scratch()
        let file = try OpenFile.open(scratch.file("a", "0123456789"))
        var buffer = [UInt8](repeating: 0, count: 4)
        let count = try buffer.withUnsafeMutableBytes { try file.read(at: 8, into: $0) }
        #expect(count == 2 && buffer.prefix(2).elementsEqual("89".utf8))
        #expect(lseek(file.descriptor, 0, SEEK_CUR) == 0)
        #expect(try file.readAll(limit: 10) == bytes("0123456789"))
        #expect(problem { () throws(FileProblem) in _ = try file.readAll(limit: 9) }?.errno == EFBIG)
    }

    @Test("the descriptor is closed when the last holder lets go, and not before")
    func closes() throws {
        let scratch = try Scratch()
        var shared: SharedFile? = try OpenFile.open(scratch.file("a")).shared()
        let descriptor = try #require(shared?.descriptor)
        var second = shared
        shared = nil
        #expect(fcntl(descriptor, F_GETFD) >= 0)
        let identity = try second?.status().identity
        second = nil
        // The number may be another file's by now, opened by a test that runs beside this one.
        let now = try? FileStatus(descriptor: descriptor, path: "").identity
        #expect(identity != nil && now != identity)
    }

    @Test("times before 1970 and mode bits are set exactly")
    func setsMetadata() throws {
        let scratch = try Scratch()
        let file = try scratch.folder.createFile(bytes("a"))
        for time in [-1_500_000_001, 0, 1_600_000_000_123_456_789] as [Int64] {
            try file.setModified(nanoseconds: time)
            #expect(try file.status().identity.modified == time)
        }
        try file.setMode(0o0640)
        #expect(try file.status().mode == 0o640)
    }

    @Test("a durable write replaces the whole file and leaves nothing else")
    func durableWrite() throws {
        let scratch = try Scratch()
        try DurableWrite.write(bytes("one"), to: scratch.path + "/a")
        try DurableWrite.write(bytes("two"), to: scratch.path + "/a", mode: 0o644)
        #expect(try scratch.text("a") == "two")
        #expect(try scratch.folder.status(of: bytes("a")).mode == 0o644)
        let refusal = problem { () throws(FileProblem) in
            try DurableWrite.write(bytes("three"), to: bytes("a"), in: scratch.folder, replacing: false)
        }
        #expect(refusal?.isTaken == true)
        #expect(try scratch.text("a") == "two")
        #expect(try scratch.names() == ["a"])
    }

    @Test("a durable write that fails leaves the old file and no part")
    func failedDurableWrite() throws {
        let scratch = try Scratch()
        try scratch.folder.makeFolder(bytes("a"))
        #expect(problem { () throws(FileProblem) in try DurableWrite.write([1], to: scratch.path + "/a") } != nil)
        #expect(try scratch.names() == ["a"])
    }

    @Test("a copy lends every block, and refuses a source of another size")
    func copies() throws {
        let scratch = try Scratch()
        let text = String(repeating: "0123456789abcdef", count: 150_000)
        let source = try OpenFile.open(scratch.file("a", text))
        let size = Int64(text.utf8.count)
        let whole = try scratch.folder.createFile(bytes("whole"))
        var seen = 0
        try FileCopy.copy(from: source.descriptor, named: "a", size: size, to: whole) { block, sent in
            seen += block.count
            return sent == Int64(seen)
        }
        #expect(seen == text.utf8.count)
        #expect(try scratch.text("whole") == text)
        for wrong in [size - 1, size + 1, 0] {
            let part = try scratch.folder.createFile(bytes("part-\(wrong)"))
            #expect(throws: FileCopy.Failure.self) {
                try FileCopy.copy(from: source.descriptor, named: "a", size: wrong, to: part) { _, _ in true }
            }
        }
        let cut = try scratch.folder.createFile(bytes("cut"))
        #expect(throws: FileCopy.Failure.stopped) {
            try FileCopy.copy(from: source.descriptor, named: "a", size: size, to: cut) { _, _ in false }
        }
    }

    @Test("a full disk is told as such")
    func fullDisk() throws {
        let descriptor = open("/dev/full", O_WRONLY)
        let full = OpenFile(adopting: descriptor, path: "/dev/full")
        #expect(problem { () throws(FileProblem) in try full.write(bytes("x")) }?.isNoSpace == true)
    }

    @Test("notes stay with the file, where the file system keeps them")
    func attachments() throws {
        let scratch = try Scratch()
        let file = try scratch.folder.createFile(bytes("a"))
        guard file.attach("value", as: "pouch.test") else { return print("no user attributes in \(scratch.path): not tested") }
        #expect(file.attachment("pouch.test") == "value")
        #expect(file.attachment("pouch.other") == nil)
    }
}
