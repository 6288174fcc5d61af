import CLinux
import Glibc

/// A small file in memory that has a path, for libraries that take nothing but a path. Gone with the last reference.
package final class MemoryFile: Sendable {
    private let file: OpenFile

    /// - Parameter name: Shown in `/proc`.
    /// - Throws: `FileProblem` when there is no memory or no descriptor left.
    package init(_ bytes: [UInt8], name: String) throws(FileProblem) {
        let descriptor = SystemCall.withPath(Array(name.utf8)) { text in SystemCall.shim { pouch_memory_file(text) } }
        guard descriptor >= 0 else { throw FileProblem(operation: "make the memory file", path: name, errno: -descriptor) }
        file = OpenFile(adopting: descriptor, path: name)
        try file.write(bytes)
    }

    /// Valid in this process. Each opening of it reads from the start.
    package var path: String { "/proc/self/fd/\(file.descriptor)" }
}
