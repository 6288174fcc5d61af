import Glibc
import PouchFiles
import PouchKit

/// Writes to a file behind everybody's back: the same inode, other bytes, a later time.
enum Rewriting {
    static func rewrite(_ path: String, as text: String) throws {
        let descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileProblem(operation: "open", path: path, errno: errno) }
        let file = OpenFile(adopting: descriptor, path: path)
        try file.write(Array(text.utf8))
        // Within one tick of the clock a file can change without its time: this one is to be seen.
        try file.setModified(nanoseconds: try file.status().identity.modified + 1_000_000_000)
    }

    /// Where the file of an open descriptor lies now.
    static func place(of descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                characters.baseAddress.map { readlink("/proc/self/fd/\(descriptor)", $0, characters.count) } ?? 0
            }
        }
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }
}
