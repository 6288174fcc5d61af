import Glibc
import PouchKit

/// One name in a folder.
package struct DirectoryEntry: Hashable, Sendable {
    package let name: [UInt8]
    /// `nil` where the file system does not say: ask for the status.
    package let kind: FileStatus.Kind?
}

/// The names in a folder, one after the other, however many there are. The order is the file system's; `.` and `..` are left out.
package struct DirectoryEntries: ~Copyable {
    private let stream: OpaquePointer
    private let path: String

    init(of folder: DirectoryHandle) throws(FileProblem) {
        path = folder.path
        // A descriptor of its own: a copy would share the reading position with every other reader of the folder.
        let descriptor = SystemCall.answer { openat(folder.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileProblem(operation: "list", visiblePath: folder.path, errno: -descriptor) }
        guard let stream = fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw FileProblem(operation: "list", visiblePath: folder.path, errno: code)
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// The next name; `nil` after the last.
    package mutating func next() throws(FileProblem) -> DirectoryEntry? {
        while true {
            // `readdir` answers NULL at the end and on error: only errno tells them apart.
            errno = 0
            guard let entry = readdir(stream) else {
                let code = errno
                guard code == 0 else { throw FileProblem(operation: "list", visiblePath: path, errno: code) }
                return nil
            }
            let name = Self.name(of: entry)
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
            return DirectoryEntry(name: name, kind: Self.kind(entry.pointee.d_type))
        }
    }

    /// The record is only as long as its name needs: the pointer is read up to the NUL, never copied as a whole `dirent`.
    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
        let start = UnsafeRawPointer(entry) + offset
        let length = strlen(start.assumingMemoryBound(to: CChar.self))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: length))
    }

    private static func kind(_ type: UInt8) -> FileStatus.Kind? {
        switch Int(type) {
        case Int(DT_REG): .regular
        case Int(DT_DIR): .directory
        case Int(DT_LNK): .symlink
        case Int(DT_FIFO): .fifo
        case Int(DT_SOCK): .socket
        case Int(DT_CHR), Int(DT_BLK): .device
        default: nil
        }
    }
}
