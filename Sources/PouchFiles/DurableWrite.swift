import Glibc
import PouchKit

/// The one way in which a file is written: temporary name in the same folder, write, fsync, rename, fsync the folder.
///
/// After it returned, the file is there with exactly these bytes whatever happens to the power; before, the old one is.
package enum DurableWrite {
    /// Replaces what is at the path.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt16 = 0o600) throws(FileProblem) {
        let slash = path.lastIndex(of: "/")
        let name = Array(path[(slash.map { path.index(after: $0) } ?? path.startIndex)...].utf8)
        let folderPath = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try write(bytes, to: name, in: .open(folderPath), mode: mode)
    }

    /// - Parameter replacing: false: a name that is taken is a problem (`isTaken`).
    package static func write(
        _ bytes: [UInt8],
        to name: [UInt8],
        in folder: DirectoryHandle,
        mode: UInt16 = 0o600,
        replacing: Bool = true
    ) throws(FileProblem) {
        var generator = SystemRandomNumberGenerator()
        let temporary = Array(".pouch-\(Hexadecimal.text(of: generator.next())).part".utf8)
        let file = try folder.createFile(temporary)
        do throws(FileProblem) {
            try file.write(bytes)
            try file.setMode(mode)
            let written = try file.status().size
            guard written == Int64(bytes.count) else {
                throw FileProblem(operation: "write", visiblePath: folder.visible(name), errno: EIO)
            }
            try file.sync()
            if replacing {
                try folder.rename(temporary, to: folder, as: name)
            } else {
                try folder.renameNoReplace(temporary, to: folder, as: name)
            }
        } catch {
            // The cause is what matters; a leftover that cannot be removed bears a name that says what it is.
            try? folder.remove(temporary)
            throw error
        }
        try folder.sync()
    }
}
