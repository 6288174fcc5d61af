import CLinux
import Glibc
import PouchKit

/// An open file; its descriptor is closed when the value ends.
package struct OpenFile: ~Copyable, Sendable {
    package let descriptor: Int32
    /// For messages.
    package let path: String

    /// Takes over a descriptor: nobody else may close it.
    package init(adopting descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Nothing is to be learnt from `close` on Linux that `sync` did not say before, and the descriptor is gone in any case.
    deinit { close(descriptor) }

    /// Opens a path that the operator or the agent chose, links followed. What lies in a drop folder is opened beneath a
    /// `DirectoryHandle` instead.
    ///
    /// - Throws: `FileProblem`, also for a path that is no regular file.
    package static func open(_ path: String) throws(FileProblem) -> OpenFile {
        let descriptor = SystemCall.withPath(Array(path.utf8)) { text in
            SystemCall.answer { Glibc.open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        }
        guard descriptor >= 0 else { throw FileProblem(operation: "open", path: path, errno: -descriptor) }
        let file = OpenFile(adopting: descriptor, path: VisibleText.escaped(path))
        let status = try file.status()
        guard status.isRegular else {
            throw FileProblem(operation: "open", path: path, errno: status.isDirectory ? EISDIR : EINVAL)
        }
        return file
    }

    package func status() throws(FileProblem) -> FileStatus {
        try FileStatus(descriptor: descriptor, path: path)
    }

    /// Reads at most the buffer's length at an offset, without moving the descriptor's own.
    ///
    /// - Returns: bytes read; 0 only at the end of the file.
    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(FileProblem) -> Int {
        let count = SystemCall.answer { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
        guard count >= 0 else { throw problem("read", -count) }
        return count
    }

    /// The whole file, which must not be longer than the limit.
    ///
    /// - Throws: `FileProblem`, with `EFBIG` for a file above the limit.
    package func readAll(limit: Int) throws(FileProblem) -> [UInt8] {
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit + 1, 65_536))
        while true {
            let count = buffer.withUnsafeMutableBytes { buffer in
                SystemCall.answer { pread(descriptor, buffer.baseAddress, buffer.count, off_t(contents.count)) }
            }
            guard count >= 0 else { throw problem("read", -count) }
            if count == 0 { return contents }
            guard contents.count + count <= limit else { throw FileProblem(operation: "read", visiblePath: path, errno: EFBIG) }
            contents += buffer[..<count]
        }
    }

    /// Writes all bytes where the descriptor stands.
    ///
    /// - Throws: `FileProblem`; how much was written then is unknown.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(FileProblem) {
        var rest = bytes
        while !rest.isEmpty {
            let count = SystemCall.answer { Glibc.write(descriptor, rest.baseAddress, rest.count) }
            guard count >= 0 else { throw problem("write", -count) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    package func write(_ bytes: [UInt8]) throws(FileProblem) {
        // The closure of `withUnsafeBytes` gets no typed throws: the problem is carried out of it as a value.
        let outcome = bytes.withUnsafeBytes { buffer in
            Result { () throws(FileProblem) in try write(buffer) }
        }
        try outcome.get()
    }

    /// Makes contents and size durable.
    ///
    /// - Throws: `FileProblem`. After a failed `fsync` the kernel may have dropped the unwritten pages and a second call
    ///   may succeed without them: write the file anew, never sync again.
    package func sync() throws(FileProblem) { try check(fsync(descriptor), "sync") }

    package func truncate(to size: Int64) throws(FileProblem) {
        let answer = SystemCall.answer { ftruncate(descriptor, off_t(size)) }
        guard answer >= 0 else { throw problem("truncate", Int(-answer)) }
    }

    /// Exactly these permission bits, whatever the umask is.
    package func setMode(_ mode: UInt16) throws(FileProblem) { try check(fchmod(descriptor, mode_t(mode)), "set the mode of") }

    /// `nil` keeps the owner or the group.
    package func setOwner(_ owner: UInt32?, group: UInt32?) throws(FileProblem) {
        try check(fchown(descriptor, owner ?? .max, group ?? .max), "set the owner of")
    }

    package func setModified(nanoseconds: Int64) throws(FileProblem) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let modified =
            rest < 0
            ? timespec(tv_sec: Int(seconds) - 1, tv_nsec: Int(rest) + 1_000_000_000)
            : timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
        try check(futimens(descriptor, [modified, modified]), "set the time of")
    }

    /// Attaches a note to the file (`user.<name>`).
    ///
    /// - Returns: false where the file system keeps no such notes, or has no room for it.
    package func attach(_ value: String, as name: String) -> Bool {
        let bytes = Array(value.utf8)
        let answer = bytes.withUnsafeBytes { bytes in
            SystemCall.shim { pouch_set_attribute(descriptor, "user." + name, bytes.baseAddress, bytes.count) }
        }
        return answer >= 0
    }

    /// The note of that name, of at most 256 bytes; `nil` when there is none.
    package func attachment(_ name: String) -> String? {
        var value = [UInt8](repeating: 0, count: 256)
        let count = value.withUnsafeMutableBytes { value in
            SystemCall.shim { pouch_attribute(descriptor, "user." + name, value.baseAddress, value.count) }
        }
        guard count >= 0 else { return nil }
        return String(validating: value[..<Int(count)], as: UTF8.self)
    }

    /// Shares the file between tasks; it is closed when the last of them lets go.
    package consuming func shared() -> SharedFile { SharedFile(self) }

    private func check(_ answer: Int32, _ operation: String) throws(FileProblem) {
        guard answer >= 0 else { throw FileProblem(operation: operation, visiblePath: path, errno: errno) }
    }

    private func problem(_ operation: String, _ code: Int) -> FileProblem {
        FileProblem(operation: operation, visiblePath: path, errno: Int32(code))
    }
}

/// An open file that several tasks use; closed when the last of them lets go.
package final class SharedFile: Sendable {
    package let file: OpenFile

    package init(_ file: consuming OpenFile) { self.file = file }

    package var descriptor: Int32 { file.descriptor }
    package var path: String { file.path }

    package func status() throws(FileProblem) -> FileStatus { try file.status() }
}
