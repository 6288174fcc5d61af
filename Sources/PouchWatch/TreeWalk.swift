import PouchFiles
import PouchKit

/// Walks a folder and what lies in it, one name at a time, by descriptors: depth first, so that memory is bounded by the depth
/// and not by the number of names. No link is followed.
///
/// The walker decides what is entered: `next` tells of a folder, `enter` opens it, and its names come next.
final class TreeWalk {
    struct Found {
        /// From the drop folder on.
        let path: DropPath
        let name: [UInt8]
        let kind: FileStatus.Kind?
        let folder: DirectoryHandle
        let node: WatchTree.Node?
    }

    private final class Level {
        let folder: DirectoryHandle
        /// Empty for the drop folder itself.
        let path: [UInt8]
        let node: WatchTree.Node?
        var entries: DirectoryEntries

        init(_ folder: DirectoryHandle, _ path: [UInt8], _ node: WatchTree.Node?) throws(FileProblem) {
            self.folder = folder
            self.path = path
            self.node = node
            entries = try folder.entries()
        }
    }

    private var levels: [Level] = []

    var depth: Int { levels.count }

    /// Opens the folder for listing. Watch it before: what comes into it from then on is either listed or an event.
    func enter(_ folder: DirectoryHandle, path: [UInt8], node: WatchTree.Node?) throws(FileProblem) {
        levels.append(try Level(folder, path, node))
    }

    /// The next name; `nil` when all is walked.
    ///
    /// - Throws: `FileProblem` when a folder cannot be read on; the walk goes on behind it.
    func next() throws(FileProblem) -> Found? {
        while let level = levels.last {
            let entry: DirectoryEntry?
            do throws(FileProblem) { entry = try level.entries.next() } catch {
                levels.removeLast()
                throw error
            }
            guard let entry else {
                levels.removeLast()
                continue
            }
            let bytes = level.path.isEmpty ? entry.name : level.path + [UInt8(ascii: "/")] + entry.name
            // A name that the kernel lists is one part of a path: this always succeeds.
            guard let path = try? DropPath(bytes: bytes) else { continue }
            return Found(path: path, name: entry.name, kind: entry.kind, folder: level.folder, node: level.node)
        }
        return nil
    }
}
