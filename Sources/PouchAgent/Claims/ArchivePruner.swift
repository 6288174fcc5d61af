package import PouchFiles
package import PouchKit

/// Removes what an archive has kept long enough, and the folders that become empty by it. Links are not followed, and nothing
/// outside the archive is reached.
package struct ArchivePruner: Sendable {
    package struct Figures: Hashable, Sendable {
        package var removed = 0
        package var removedBytes: Int64 = 0
        package var kept = 0
        /// The first few of what could not be looked at or removed. The rest of the archive was pruned.
        package var problems: [FileProblem] = []
    }

    /// More levels than a path of a drop ever has; each costs two descriptors while it is open.
    private static let mostLevels = 128
    private static let mostProblems = 8

    private let pruning: ArchivePruning
    private let now: Timestamp
    private let stop: StopSign
    private var figures = Figures()

    /// Blocks on the disk. An archive that does not exist yet has nothing to prune.
    ///
    /// - Throws: `FileProblem` when the archive itself cannot be opened.
    package static func prune(
        _ archive: String, keepFor: Duration, now: Timestamp, stop: StopSign = StopSign()
    ) throws(FileProblem) -> Figures {
        let folder: DirectoryHandle
        do throws(FileProblem) { folder = try .open(archive) } catch {
            guard error.isMissing else { throw error }
            return Figures()
        }
        var pruner = ArchivePruner(pruning: ArchivePruning(keepFor: keepFor), now: now, stop: stop)
        _ = pruner.prune(folder, level: 0)
        return pruner.figures
    }

    private init(pruning: ArchivePruning, now: Timestamp, stop: StopSign) {
        self.pruning = pruning
        self.now = now
        self.stop = stop
    }

    /// - Returns: true when something was removed: the folder may be empty now.
    private mutating func prune(_ folder: DirectoryHandle, level: Int) -> Bool {
        var hasRemoved = false
        do throws(FileProblem) {
            var entries = try folder.entries()
            while !stop.isRaised, let entry = try entries.next() {
                do throws(FileProblem) {
                    if try prune(entry.name, in: folder, level: level) { hasRemoved = true }
                } catch {
                    if !error.isMissing { note(error) }
                }
            }
        } catch {
            note(error)
        }
        return hasRemoved
    }

    private mutating func prune(_ name: [UInt8], in folder: DirectoryHandle, level: Int) throws(FileProblem) -> Bool {
        let status = try folder.status(of: name)
        guard !status.isDirectory else {
            guard level < Self.mostLevels, prune(try folder.openFolder(name), level: level + 1) else { return false }
            // It stays when it is not empty.
            return (try? folder.removeFolder(name)) != nil
        }
        switch pruning.verdict(archived: Timestamp(nanoseconds: status.changed), now: now) {
        case .remove:
            try folder.remove(name)
            figures.removed += 1
            figures.removedBytes += status.size
            return true
        case .restamp:
            // Any change of the inode sets its ctime to now.
            if status.isRegular { try folder.openFile(name).setMode(status.mode) }
            figures.kept += 1
        case .keep:
            figures.kept += 1
        }
        return false
    }

    private mutating func note(_ problem: FileProblem) {
        if figures.problems.count < Self.mostProblems { figures.problems.append(problem) }
    }
}
