import Foundation
import Glibc
import PouchFiles
import Testing

@Suite("A folder, reached through its descriptor")
struct DirectoryHandleTests {
    @Test("no link is followed, neither at the end of a path nor on its way")
    func followsNoLinks() throws {
        let scratch = try Scratch()
        let outside = try Scratch()
        try outside.file("secret")
        try scratch.link("file", to: outside.path + "/secret")
        try scratch.link("folder", to: outside.path)
        #expect(problem { () throws(FileProblem) in _ = try scratch.folder.openFile(bytes("file")) }?.isSymlink == true)
        #expect(problem { () throws(FileProblem) in _ = try scratch.folder.openFile(bytes("folder/secret")) }?.isSymlink == true)
        #expect(problem { () throws(FileProblem) in _ = try scratch.folder.status(of: bytes("folder/secret")) }?.isSymlink == true)
        #expect(problem { () throws(FileProblem) in _ = try scratch.folder.openFolder(bytes("folder")) }?.isSymlink == true)
        #expect(try scratch.folder.status(of: bytes("file")).kind == .symlink)
    }

    @Test("a path cannot leave the folder")
    func staysBeneath() throws {
        let scratch = try Scratch()
        for path in ["..", "../x", "/etc/passwd", "a/../../x"] {
            #expect(problem { () throws(FileProblem) in _ = try scratch.folder.openFile(bytes(path)) } != nil, "\(path)")
        }
    }

    @Test("a name with a slash or a NUL is refused, not cut")
    func refusesBadNames() throws {
        let scratch = try Scratch()
        try scratch.file("a")
        #expect(problem { () throws(FileProblem) in try scratch.folder.remove(bytes("a\0b")) }?.errno == EINVAL)
        #expect(problem { () throws(FileProblem) in try scratch.folder.remove(bytes("./a")) }?.errno == EINVAL)
        #expect(problem { () throws(FileProblem) in _ = try scratch.folder.openFile(bytes("a\0b")) }?.errno == EINVAL)
        #expect(problem { () throws(FileProblem) in _ = try DirectoryHandle.open(scratch.path + "\0/x") }?.errno == EINVAL)
        #expect(try scratch.names() == ["a"])
    }

    @Test("opening a FIFO does not wait for a writer, and a socket or a device is seen before it is opened")
    func doesNotBlockOnFIFO() throws {
        let scratch = try Scratch()
        #expect(mkfifo(scratch.path + "/pipe", 0o600) == 0)
        #expect(try scratch.folder.status(of: bytes("pipe")).kind == .fifo)
        let file = try scratch.folder.openFile(bytes("pipe"))
        #expect(try file.status().kind == .fifo)
        #expect(try DirectoryHandle.open("/dev").status(of: bytes("null")).kind == .device)
    }

    @Test("every name that Linux allows comes back from a listing as the same bytes")
    func listsAllBytes() throws {
        let scratch = try Scratch()
        var names: Set<[UInt8]> = []
        for byte in UInt8(1)...255 where byte != UInt8(ascii: "/") {
            let name = bytes("n") + [byte, 0xFF]
            names.insert(name)
            _ = try scratch.folder.createFile(name)
        }
        names.insert([UInt8](repeating: 0xC3, count: 255))
        _ = try scratch.folder.createFile([UInt8](repeating: 0xC3, count: 255))
        var listed: Set<[UInt8]> = []
        var entries = try scratch.folder.entries()
        while let entry = try entries.next() {
            #expect(entry.kind == .regular)
            listed.insert(entry.name)
        }
        #expect(listed == names)
    }

    @Test("two listings of one folder do not disturb each other, and removing while listing skips nothing")
    func listsIndependently() throws {
        let scratch = try Scratch()
        for number in 0..<2_000 { _ = try scratch.folder.createFile(bytes("file-\(number)")) }
        var first = try scratch.folder.entries()
        var second = try scratch.folder.entries()
        _ = try second.next()
        var count = 0
        while let entry = try first.next() {
            try scratch.folder.remove(entry.name)
            count += 1
        }
        #expect(count == 2_000)
        #expect(try scratch.names().isEmpty)
    }

    @Test("a rename without replacing leaves a taken name alone, be it a file, a folder or a dangling link")
    func neverReplaces() throws {
        let scratch = try Scratch()
        try scratch.file("a", "mine")
        try scratch.file("taken", "theirs")
        try scratch.link("dangling", to: "nowhere")
        try scratch.folder.makeFolder(bytes("folder"))
        for name in ["taken", "dangling", "folder"] {
            let refusal = problem { () throws(FileProblem) in
                try scratch.folder.renameNoReplace(bytes("a"), to: scratch.folder, as: bytes(name))
            }
            #expect(refusal?.isTaken == true, "\(name)")
        }
        #expect(try scratch.text("taken") == "theirs")
        try scratch.folder.renameNoReplace(bytes("a"), to: scratch.folder, as: bytes("b"))
        try scratch.folder.rename(bytes("b"), to: scratch.folder, as: bytes("taken"))
        #expect(try scratch.text("taken") == "mine")
    }

    @Test("folders are made as deep as a path can be, and making them again is no error")
    func makesFolders() throws {
        let scratch = try Scratch()
        let deep = bytes(Array(repeating: "d", count: 1_500).joined(separator: "/"))
        _ = try scratch.folder.createFolders(deep, durably: false)
        #expect(try scratch.folder.createFolders(deep).status().isDirectory)
        _ = try DirectoryHandle.create(scratch.path + "/x/./y/z", mode: 0o700)
        #expect(try scratch.folder.status(of: bytes("x/y/z")).mode == 0o700)
    }

    @Test("a folder that was swapped for another is still the one that was opened")
    func heldFolderIsNotSwapped() throws {
        let scratch = try Scratch()
        let held = try scratch.folder.createFolders(bytes("in"))
        _ = try held.createFile(bytes("mine"))
        try scratch.folder.renameNoReplace(bytes("in"), to: scratch.folder, as: bytes("away"))
        try scratch.folder.makeFolder(bytes("in"))
        #expect(try held.status(of: bytes("mine")).isRegular)
    }

    @Test("the parent of a path, swapped for a link a thousand times a moment, never leads outside")
    func swappedParent() async throws {
        let scratch = try Scratch()
        let outside = try Scratch()
        try outside.file("file", "outside")
        try scratch.folder.makeFolder(bytes("real"))
        try scratch.file("real/file", "inside")
        try scratch.link("link", to: outside.path)
        let stop = StopSign()
        let lane = BlockingLane(name: "swapper")
        async let swapping: Void = lane.run {
            while !stop.isRaised {
                Glibc.rename(scratch.path + "/real", scratch.path + "/at")
                Glibc.rename(scratch.path + "/at", scratch.path + "/real")
                Glibc.rename(scratch.path + "/link", scratch.path + "/at")
                Glibc.rename(scratch.path + "/at", scratch.path + "/link")
            }
        }
        let read = await BlockingExecutor.shared.run {
            var contents: Set<String> = []
            var count = 0
            while count < 2_000 {
                guard let file = try? scratch.folder.openFile(bytes("at/file")) else { continue }
                contents.insert(String(decoding: (try? file.readAll(limit: 100)) ?? [], as: UTF8.self))
                count += 1
            }
            stop.raise()
            return contents
        }
        await swapping
        #expect(read == ["inside"])
    }
}
