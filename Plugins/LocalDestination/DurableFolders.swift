import Glibc
import PouchFiles
import PouchKit
import Synchronization

/// Makes the folders of keys, and knows which of them a power cut cannot take away any more.
///
/// That a folder is there does not say that it is durable: another delivery may have made it a moment ago. So its parents are synced
/// once by this process, whoever made it.
final class DurableFolders: Sendable {
    private static let mostKnown = 10_000
    /// The mode of a folder that has not got its owner and its own mode yet, and that nobody else can enter. A kill in between leaves the
    /// sticky bit, by which the next delivery knows it; where the file system does not keep it, the folder stays closed.
    private static let unfinished: UInt16 = 0o1700

    /// By their bytes: to Swift the two forms of an umlaut are one text, to the file system they are two folders.
    private let durable = Mutex<Set<[UInt8]>>([])

    /// Opens the folder of a key, and makes it where the plan says so.
    func folder(for key: DeliveryKey, _ plan: LocalPlan) throws(FileProblem) -> DirectoryHandle {
        var folder = try plan.root { folder throws(FileProblem) in try adorn(folder, plan) }
        guard !key.folder.isEmpty else { return folder }
        let path = Array(key.folder.utf8)
        if durable.withLock({ $0.contains(path) }), let there = try? folder.openFolder(path) {
            return there
        }
        for part in path.split(separator: UInt8(ascii: "/")).map(Array.init) {
            let wasMade = plan.createsFolders ? try folder.makeFolder(part, mode: Self.unfinished) : false
            let next = try folder.openFolder(part)
            let mode = try next.status().mode
            if wasMade || plan.createsFolders && mode & 0o1777 == Self.unfinished { try adorn(next, plan) }
            try plan.sync(folder)
            folder = next
        }
        durable.withLock { durable in
            if durable.count >= Self.mostKnown { durable.removeAll() }
            durable.insert(path)
        }
        return folder
    }

    private func adorn(_ folder: DirectoryHandle, _ plan: LocalPlan) throws(FileProblem) {
        if let owner = plan.owner { try folder.setOwner(owner.user, group: owner.group) }
        try folder.setMode(plan.folderMode)
    }
}
