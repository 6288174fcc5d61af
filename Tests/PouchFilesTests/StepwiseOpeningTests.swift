import Glibc
import PouchFiles
import Testing

/// Where a service manager's filter refuses openat2, the agent opens step by step: what it answers must be the same.
@Suite("opening beneath a folder without openat2")
struct StepwiseOpeningTests {
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        _ = try scratch.folder.createFolders(bytes("a/b"))
        try scratch.file("a/b/file")
        try scratch.file("top")
        try scratch.link("link", to: "top")
        try scratch.link("folder-link", to: "a")
        try scratch.link("a/away", to: "/etc")
        return scratch
    }

    /// The error number; 0: it was opened.
    private func answer(_ path: String, in scratch: Scratch, flags: Int32 = O_RDONLY) -> Int32 {
        let descriptor = StepwiseOpening.open(bytes(path), beneath: scratch.folder.descriptor, flags: UInt64(flags))
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0 ? 0 : -descriptor
    }

    @Test(
        "answers as openat2 does: to files, folders, links on the way and at the end, and ways out",
        arguments: [
            "top", "a", "a/b", "a/b/file", "./a/./b//file", "a/b/", "top/", "link", "folder-link", "folder-link/b/file", "a/away",
            "a/away/passwd", "..", "../x", "a/../../x", "/etc/passwd", "nothing", "nothing/below", "top/below", ".",
        ])
    func sameAnswers(_ path: String) throws {
        let scratch = try scratch()
        let byKernel = problem { () throws(FileProblem) in _ = try scratch.folder.openFile(bytes(path)) }?.errno ?? 0
        #expect(answer(path, in: scratch) == byKernel, "\(path)")
        let folder = problem { () throws(FileProblem) in _ = try scratch.folder.openFolder(bytes(path)) }?.errno ?? 0
        #expect(answer(path, in: scratch, flags: O_RDONLY | O_DIRECTORY) == folder, "\(path) as a folder")
    }

    @Test("makes a file only where there is none, not even a link")
    func creates() throws {
        let scratch = try scratch()
        let flags = O_RDWR | O_CREAT | O_EXCL
        #expect(answer("new", in: scratch, flags: flags) == 0)
        #expect(answer("new", in: scratch, flags: flags) == EEXIST)
        #expect(answer("link", in: scratch, flags: flags) == EEXIST)
        #expect(answer("folder-link/new", in: scratch, flags: flags) == ELOOP)
        #expect(try scratch.folder.status(of: bytes("new")).isRegular)
    }

    @Test("refuses a NUL in a name, a path that is empty, and any way back")
    func refuses() throws {
        let scratch = try scratch()
        #expect(answer("a\0b", in: scratch) == EINVAL)
        #expect(answer("", in: scratch) == ENOENT)
        #expect(answer("a/../top", in: scratch) == EXDEV, "no way back, though it would stay beneath")
    }
}
