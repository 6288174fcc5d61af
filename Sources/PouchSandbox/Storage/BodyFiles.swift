import PouchFiles
import PouchKit

/// The files that hold bytes of objects. A file is written once, under a name of its own, and removed when nobody refers to it.
final class BodyFiles: Sendable {
    private let folder: DirectoryHandle

    init(folder: String) throws(FileProblem) { self.folder = try DirectoryHandle.create(folder, mode: 0o700) }

    /// A new file that nobody knows yet.
    func create() throws(FileProblem) -> (name: String, file: SharedFile) {
        let name = DeliveryID.random().description
        return (name, try folder.createFile(Array(name.utf8)).shared())
    }

    func open(_ name: String) throws(FileProblem) -> SharedFile { try folder.openFile(Array(name.utf8)).shared() }

    /// A file that is gone already, or cannot be removed now, is dealt with at the next start.
    func remove(_ name: String) { try? folder.remove(Array(name.utf8)) }

    /// Files of uploads that nobody finished before the process ended.
    func removeAll(besides known: Set<String>) throws(FileProblem) {
        var entries = try folder.entries()
        var strangers: [[UInt8]] = []
        while let entry = try entries.next() {
            if !known.contains(String(decoding: entry.name, as: UTF8.self)) { strangers.append(entry.name) }
        }
        for name in strangers { try folder.remove(name) }
    }
}
