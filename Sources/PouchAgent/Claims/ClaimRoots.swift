package import PouchFiles
import PouchKit
import Synchronization

/// Takes the settled drops of one drop folder, by renaming them to where their producer cannot reach them, and gives them back.
///
/// The claim root is `<state>/claims` when a rename can get there, else `<folder>/.pouch`. A mount inside the drop folder has its own root,
/// at its top. Folder and root are opened once and looked at again before each use: both can be swapped, removed, or disappear with
/// their mount.
///
/// All calls block on the disk: run them on a `BlockingLane` of the folder. They may be made from several threads.
package final class ClaimRoots: Sendable {
    /// The name of a claim root inside a drop folder. The watcher never enters it.
    package static let folderName = ".pouch"
    static let quarantineName = "quarantine"

    /// The drop folder, absolute.
    package let folder: String
    package let state: String
    let prefix: String
    private let report: @Sendable (ClaimNotice) -> Void
    private let ground = Mutex<ClaimGround?>(nil)

    /// Touches nothing: the folder need not be there yet.
    package init(folder: String, state: String, report: @escaping @Sendable (ClaimNotice) -> Void) {
        self.folder = folder
        self.state = state
        self.report = report
        prefix = ClaimName.prefix(ofFolder: folder)
    }

    /// Where claims of the folder's own mount go: for `explain` and `doctor`. Makes the root when it is not there.
    ///
    /// - Throws: `FileProblem` when the folder cannot be opened, or nothing in it may be renamed.
    package func rootPath() throws(FileProblem) -> String { try standing().root.path }

    /// The folder and its root, both open and both still what their paths lead to.
    func standing() throws(FileProblem) -> ClaimGround {
        try ground.withLock { held throws(FileProblem) in
            let fresh = try checked(held)
            held = fresh
            return fresh
        }
    }

    /// The folder of a root that a claim was recorded with, which need not be the one that is used now.
    func openRoot(at path: String) throws(FileProblem) -> DirectoryHandle {
        guard path.hasPrefix(folder + "/") else { return try .open(path) }
        // Inside the drop folder a producer could have put a link in its place.
        return try DirectoryHandle.open(folder).openFolder(Array(path.utf8.dropFirst(folder.utf8.count + 1)))
    }

    /// Opens or makes the root at the top of a folder.
    func makeRoot(in folder: DirectoryHandle, path: String) throws(FileProblem) -> ClaimRoot {
        let name = Array(Self.folderName.utf8)
        try folder.makeFolder(name, mode: 0o700, durably: true)
        let root = try folder.openFolder(name)
        // A producer may have made it first, open to all.
        if try root.status().mode != 0o700 { try root.setMode(0o700) }
        return try ClaimRoot(path: path + "/" + Self.folderName, folder: root)
    }

    func notify(_ notice: ClaimNotice) { report(notice) }

    private func checked(_ held: ClaimGround?) throws(FileProblem) -> ClaimGround {
        guard let held else { return try chosen() }
        guard try DirectoryHandle.open(folder).status().identity.isSameFile(as: held.folderIdentity) else {
            report(.folderReplaced(folder))
            return try chosen()
        }
        guard try held.root.isInPlace() else {
            report(.rootReplaced(held.root.path))
            return try chosen()
        }
        return held
    }

    private func chosen() throws(FileProblem) -> ClaimGround {
        let folder = try DirectoryHandle.open(folder)
        let identity = try folder.status().identity
        let root = try chosenRoot(for: folder, identity)
        report(.rootChosen(folder: self.folder, root: root.path))
        return ClaimGround(folder: folder, folderIdentity: identity, root: root)
    }

    /// The device number alone does not tell: a bind mount has that of its origin, and no rename crosses it. So one is tried.
    private func chosenRoot(for folder: DirectoryHandle, _ identity: FileIdentity) throws(FileProblem) -> ClaimRoot {
        let path = state + "/claims"
        let inState = try DirectoryHandle.create(path, mode: 0o700)
        if try inState.status().identity.device == identity.device, try canRename(from: folder, to: inState) {
            return try ClaimRoot(path: path, folder: inState)
        }
        return try makeRoot(in: folder, path: self.folder)
    }

    /// Tried from our own folder in the drop folder, where the watcher does not look.
    private func canRename(from folder: DirectoryHandle, to root: DirectoryHandle) throws(FileProblem) -> Bool {
        let name = Array(Self.folderName.utf8)
        // One name for each folder and state, so that what an agent left that was killed in here is found by the next one.
        let probe = Array("probe-\(prefix)-\(ClaimName.shortDigest(of: state))".utf8)
        let wasMade = try folder.makeFolder(name, mode: 0o700)
        // It stays when somebody put something into it.
        defer { if wasMade { try? folder.removeFolder(name) } }
        let own = try folder.openFolder(name)
        for place in [own, root] { try? place.remove(probe) }
        _ = try own.createFile(probe)
        do throws(FileProblem) {
            try own.renameNoReplace(probe, to: root, as: probe)
        } catch {
            try own.remove(probe)
            guard error.isOtherMount else { throw error }
            return false
        }
        try root.remove(probe)
        return true
    }
}
