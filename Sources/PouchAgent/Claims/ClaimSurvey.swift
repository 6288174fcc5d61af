package import PouchFiles
package import PouchKit
import Synchronization

/// Something that lies in a claim root.
package struct FoundClaim: Hashable, Sendable {
    package let place: ClaimPlace
    package let path: DropPath
    /// Not always a regular file: a crash may have come before the wrong thing was put back.
    package let status: FileStatus
}

/// Looks through the claim roots of one drop folder, a few claims at a time: recovery asks the journal for each, and what
/// the journal does not know was claimed and not admitted: it is put back (`unclaim`).
///
/// Folders of claims that hold nothing are removed on the way. Claims that are made meanwhile may or may not be seen.
package final class ClaimSurvey: Sendable {
    private struct Progress: ~Copyable {
        var rootsToDo: [String]
        var root: (path: String, folder: DirectoryHandle)?
        var entries: DirectoryEntries?
    }

    private let claims: ClaimRoots
    private let progress: Mutex<Progress>

    init(of claims: ClaimRoots, roots: [String]) {
        self.claims = claims
        progress = Mutex(Progress(rootsToDo: roots, root: nil, entries: nil))
    }

    /// The next claims; empty after the last. Blocks on the disk.
    ///
    /// - Parameter limit: A folder that holds several files may bring a few more.
    package func next(upTo limit: Int) throws(FileProblem) -> [FoundClaim] {
        try progress.withLock { progress throws(FileProblem) in
            var found: [FoundClaim] = []
            while found.count < limit {
                guard let entry = try progress.entries?.next(), let root = progress.root else {
                    guard try advance(&progress) else { break }
                    continue
                }
                guard let id = ClaimName.id(entry.name, prefix: claims.prefix) else { continue }
                found += try files(of: ClaimPlace(id: id, root: root.path), in: root.folder)
            }
            return found
        }
    }

    private func advance(_ progress: inout Progress) throws(FileProblem) -> Bool {
        progress.entries = nil
        progress.root = nil
        while let path = progress.rootsToDo.popLast() {
            let folder: DirectoryHandle
            do throws(FileProblem) { folder = try claims.openRoot(at: path) } catch {
                // Nothing was claimed there yet, or its mount is away: `locate` tells which for a claim that is known.
                guard error.isMissing else { throw error }
                continue
            }
            progress.entries = try folder.entries()
            progress.root = (path, folder)
            return true
        }
        return false
    }

    /// Opened path by path, not level by level, so that a deep path costs no descriptors.
    private func files(of place: ClaimPlace, in root: DirectoryHandle) throws(FileProblem) -> [FoundClaim] {
        let top: DirectoryHandle
        do throws(FileProblem) { top = try root.openFolder(Array(place.id.utf8)) } catch {
            // Disposed of meanwhile, or no folder and then none of ours.
            guard error.isMissing else { throw error }
            return []
        }
        var found: [FoundClaim] = []
        var toDo: [DropPath?] = [nil]
        var deepest: DropPath?
        while let path = toDo.popLast() {
            deepest = path
            let folder = try top.openFolder(path?.bytes ?? [])
            var entries = try folder.entries()
            while let entry = try entries.next() {
                guard let below = try? path?.appending(name: entry.name) ?? DropPath(bytes: entry.name) else { continue }
                let status = try folder.status(of: entry.name)
                if status.isDirectory {
                    toDo.append(below)
                } else {
                    found.append(FoundClaim(place: place, path: below, status: status))
                }
            }
        }
        if found.isEmpty { Self.removeEmpty(place, deepest: deepest, in: root) }
        return found
    }

    private static func removeEmpty(_ place: ClaimPlace, deepest: DropPath?, in root: DirectoryHandle) {
        // `clear` takes the folders above a file: any name below the deepest folder stands for one.
        guard let file = try? deepest?.appending(name: [UInt8(ascii: "x")]) ?? DropPath(bytes: [UInt8(ascii: "x")]) else { return }
        ClaimRoots.clear(id: place.id, of: file, in: root)
    }
}

extension ClaimRoots {
    /// Begins a survey of all roots that claims of this folder may lie in.
    package func orphans() throws(FileProblem) -> ClaimSurvey {
        let own = [state + "/claims", folder + "/" + Self.folderName]
        return ClaimSurvey(of: self, roots: try own + knownNestedRoots())
    }
}
