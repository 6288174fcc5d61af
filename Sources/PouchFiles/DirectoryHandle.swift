import CLinux
import Glibc
import PouchKit

/// An open folder. Everything in it is reached through its descriptor, never again by an absolute path, so that nobody
/// who swaps a folder or plants a link on the way can lead us elsewhere.
///
/// Relative paths and names are the bytes of the file system. A relative path may not leave the folder and no link in it is
/// followed (openat2); a name is one part of a path.
package final class DirectoryHandle: Sendable {
    package let descriptor: Int32
    /// For messages: where the folder was when it was opened.
    package let path: String

    private init(adopting descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Opens a folder that the operator chose, links followed.
    package static func open(_ path: String) throws(FileProblem) -> DirectoryHandle {
        let descriptor = SystemCall.withPath(Array(path.utf8)) { text in
            SystemCall.answer { Glibc.open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        }
        guard descriptor >= 0 else { throw FileProblem(operation: "open the folder", path: path, errno: -descriptor) }
        return DirectoryHandle(adopting: descriptor, path: VisibleText.escaped(path))
    }

    /// Opens a folder that the operator chose and makes what is missing of it, durably.
    package static func create(_ path: String, mode: UInt16 = 0o755) throws(FileProblem) -> DirectoryHandle {
        do { return try open(path) } catch { guard error.errno == ENOENT else { throw error } }
        // Upwards to the deepest folder that is there: those above it may be closed to us but for passing through.
        let slash = UInt8(ascii: "/")
        let place = Array(path.utf8.reversed().drop { $0 == slash }.reversed())
        let cut = place.lastIndex(of: slash)
        let name = Array(place.suffix(from: cut.map { $0 + 1 } ?? 0))
        let above = cut.map { $0 == 0 ? "/" : String(decoding: place.prefix($0), as: UTF8.self) } ?? "."
        let parent = try create(above, mode: mode)
        try parent.makeFolder(name, mode: mode, durably: true)
        // By the operator's own path links are followed, so this is no walk beneath a folder.
        let descriptor = SystemCall.withName(name) { name in
            SystemCall.answer { openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        }
        guard descriptor >= 0 else { throw parent.problem("open the folder", name, -descriptor) }
        return DirectoryHandle(adopting: descriptor, path: parent.visible(name))
    }

    package func status() throws(FileProblem) -> FileStatus { try FileStatus(descriptor: descriptor, path: path) }

    /// The status of what lies at a path beneath the folder; of the link itself when it is one.
    package func status(of relative: [UInt8]) throws(FileProblem) -> FileStatus {
        if !relative.isEmpty, !relative.contains(UInt8(ascii: "/")) {
            return try FileStatus(folder: descriptor, name: relative, path: visible(relative))
        }
        let flags = pouch_open_path_only() | UInt64(O_NOFOLLOW)
        let descriptor = try openBeneath(relative, flags: flags, operation: "look at")
        return try OpenFile(adopting: descriptor, path: visible(relative)).status()
    }

    /// Opens what lies beneath for reading. A FIFO does not block and a device is not waited for: look at the status before reading.
    package func openFile(_ relative: [UInt8]) throws(FileProblem) -> OpenFile {
        let flags = UInt64(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        return OpenFile(adopting: try openBeneath(relative, flags: flags, operation: "open"), path: visible(relative))
    }

    /// Makes a new file and opens it for reading and writing.
    ///
    /// - Throws: `FileProblem`; `isTaken` when the name exists, be it as a link that leads nowhere.
    package func createFile(_ name: [UInt8], mode: UInt16 = 0o600) throws(FileProblem) -> OpenFile {
        let flags = UInt64(O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        let descriptor = try openBeneath(name, flags: flags, mode: UInt64(mode), operation: "create")
        return OpenFile(adopting: descriptor, path: visible(name))
    }

    package func openFolder(_ relative: [UInt8]) throws(FileProblem) -> DirectoryHandle {
        // Without O_NOFOLLOW, which would call a link "not a directory" before openat2 can call it a link.
        let descriptor = try openBeneath(relative, flags: UInt64(O_RDONLY | O_DIRECTORY), operation: "open the folder")
        return DirectoryHandle(adopting: descriptor, path: visible(relative))
    }

    /// Opens a folder beneath this one and makes what is missing of its path.
    ///
    /// - Parameter durably: each folder that is made is synced into its parent, so that a power cut cannot take it away.
    package func createFolders(
        _ relative: [UInt8], mode: UInt16 = 0o755, durably: Bool = false
    ) throws(FileProblem) -> DirectoryHandle {
        do { return try openFolder(relative) } catch { guard error.errno == ENOENT else { throw error } }
        var folder = self
        for part in relative.split(separator: UInt8(ascii: "/")).map(Array.init) {
            try folder.makeFolder(part, mode: mode, durably: durably)
            folder = try folder.openFolder(part)
        }
        return folder
    }

    /// Makes one folder; that it exists already is no error.
    ///
    /// - Returns: true when it was made by this call.
    @discardableResult
    package func makeFolder(_ name: [UInt8], mode: UInt16 = 0o755, durably: Bool = false) throws(FileProblem) -> Bool {
        let answer = SystemCall.withName(name) { name in SystemCall.answer { mkdirat(descriptor, name, mode_t(mode)) } }
        if answer == -EEXIST { return false }
        guard answer >= 0 else { throw problem("make the folder", name, -answer) }
        if durably { try sync() }
        return true
    }

    /// Exactly these permission bits, whatever the umask was.
    package func setMode(_ mode: UInt16) throws(FileProblem) {
        let answer = SystemCall.answer { fchmod(descriptor, mode_t(mode)) }
        guard answer >= 0 else { throw FileProblem(operation: "set the mode of", visiblePath: path, errno: -answer) }
    }

    /// `nil` keeps the owner or the group.
    package func setOwner(_ owner: UInt32?, group: UInt32?) throws(FileProblem) {
        let answer = SystemCall.answer { fchown(descriptor, owner ?? .max, group ?? .max) }
        guard answer >= 0 else { throw FileProblem(operation: "set the owner of", visiblePath: path, errno: -answer) }
    }

    /// The names in the folder, one after the other.
    package func entries() throws(FileProblem) -> DirectoryEntries { try DirectoryEntries(of: self) }

    /// Makes the names in the folder durable.
    package func sync() throws(FileProblem) {
        let answer = SystemCall.answer { fsync(descriptor) }
        guard answer >= 0 else { throw FileProblem(operation: "sync the folder", visiblePath: path, errno: -answer) }
    }

    /// The message form of a path beneath.
    package func visible(_ relative: [UInt8]) -> String {
        relative.isEmpty ? path : path == "/" ? "/" + VisibleText.escaped(relative) : path + "/" + VisibleText.escaped(relative)
    }

    func problem(_ operation: String, _ relative: [UInt8], _ code: Int32) -> FileProblem {
        FileProblem(operation: operation, visiblePath: visible(relative), errno: code)
    }

    private func openBeneath(
        _ path: [UInt8], flags: UInt64, mode: UInt64 = 0, operation: String
    ) throws(FileProblem) -> Int32 {
        let relative = path.isEmpty ? [UInt8(ascii: ".")] : path
        let answer = SystemCall.withPath(relative) { path in
            // EAGAIN: somebody renamed a folder while the kernel looked. It says nothing about the path; ask again, but not for ever.
            var answer: Int32 = 0
            for _ in 0..<32 {
                answer = SystemCall.shim {
                    pouch_openat2(descriptor, path, flags | UInt64(O_CLOEXEC), mode, pouch_resolve_beneath())
                }
                if answer != -EAGAIN { break }
            }
            return answer == -ENOSYS ? StepwiseOpening.open(relative, beneath: descriptor, flags: flags, mode: mode) : answer
        }
        guard answer >= 0 else { throw problem(operation, path, -answer) }
        return answer
    }
}
