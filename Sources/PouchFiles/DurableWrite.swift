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
        try write(to: name, in: folder, mode: mode, replacing: replacing, translating: { $0 }) { file throws(FileProblem) in
            try file.write(bytes)
            let written = try file.status().size
            guard written == Int64(bytes.count) else {
                throw FileProblem(operation: "write", visiblePath: folder.visible(name), errno: EIO)
            }
        }
    }

    /// The same for what comes piece by piece: `fill` writes all of it to the file that it is lent.
    ///
    /// - Parameter translating: puts what the system says into the words of the caller.
    /// - Throws: what `fill` throws, too; under the name nothing has changed then.
    package static func write<Value, Failure: Error>(
        to name: [UInt8],
        in folder: DirectoryHandle,
        mode: UInt16 = 0o600,
        replacing: Bool = true,
        translating: (FileProblem) -> Failure,
        fill: (borrowing OpenFile) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        func system<Answer>(_ call: () throws(FileProblem) -> Answer) throws(Failure) -> Answer {
            do throws(FileProblem) { return try call() } catch { throw translating(error) }
        }
        var generator = SystemRandomNumberGenerator()
        let temporary = Array(".pouch-\(Hexadecimal.text(of: generator.next())).part".utf8)
        let file = try system { () throws(FileProblem) in try folder.createFile(temporary).shared() }
        let value: Value
        do throws(Failure) {
            value = try fill(file.file)
            try system { () throws(FileProblem) in
                try file.file.setMode(mode)
                try file.file.sync()
                if replacing {
                    try folder.rename(temporary, to: folder, as: name)
                } else {
                    try folder.renameNoReplace(temporary, to: folder, as: name)
                }
            }
        } catch {
            // The cause is what matters; a leftover that cannot be removed bears a name that says what it is.
            try? folder.remove(temporary)
            throw error
        }
        try system { () throws(FileProblem) in try folder.sync() }
        return value
    }
}
