import Glibc
import PouchFiles
import PouchKit

/// The sidecar of a delivered file, on a thread that may block.
///
/// The order is: the file has its name, durably, and then the sidecar gets its own. Whoever waits for the sidecar finds a whole file. A crash
/// in between is met by the next attempt, which finds the file and adds what is missing.
extension PlacementWorker {
    enum SidecarName: Sendable {
        case free, ours
        /// Of another delivery under that key.
        case old
        case taken
    }

    /// Before the file gets its name: with its sidecar it is one thing, and where either name is taken, it goes under another one.
    ///
    /// With `when-taken: replace` an old sidecar goes first: it must not vouch for the new file. Anything else under that name stays, be it a
    /// file that was delivered.
    func prepare(_ sidecar: Sidecar, for placement: SavedPlacement, in folder: DirectoryHandle) throws(FileProblem) -> SidecarName {
        let name = sidecar.name(for: placement.key)
        guard name.utf8.count <= 255 else {
            throw FileProblem(operation: "name the sidecar", path: folder.path + "/" + name, errno: ENAMETOOLONG)
        }
        let found = try state(of: sidecar, for: placement, in: folder)
        guard found == .old else { return found }
        guard plan.whenTaken == .replace else { return .taken }
        try folder.remove(Array(name.utf8))
        try plan.sync(folder)
        return .free
    }

    /// After the file has its name.
    ///
    /// - Throws: `FileProblem`; `isTaken` when somebody else took the sidecar's name since `prepare`.
    func addSidecar(_ placement: SavedPlacement) throws(FileProblem) {
        guard let sidecar = plan.sidecar else { return }
        let folder = try folder(placement.folder)
        switch try state(of: sidecar, for: placement, in: folder) {
        case .ours: return try plan.sync(folder)
        case .taken:
            throw FileProblem(
                operation: "write the sidecar", path: folder.path + "/" + sidecar.name(for: placement.key), errno: EEXIST)
        case .free, .old: break
        }
        let name = Array(sidecar.name(for: placement.key).utf8)
        let part = Array(temporaryName(for: placement.key, ending: sidecar.suffix).utf8)
        let file = try newPart(part, in: folder).shared()
        do throws(FileProblem) {
            try file.file.write(contents(of: sidecar, for: placement))
            if let owner = plan.owner { try file.file.setOwner(owner.user, group: owner.group) }
            try file.file.setMode(plan.mode)
            if plan.isSynced { try file.file.sync() }
            if plan.whenTaken == .replace {
                try folder.rename(part, to: folder, as: name)
            } else {
                try folder.renameNoReplace(part, to: folder, as: name)
            }
        } catch {
            try? folder.remove(part)
            throw error
        }
        try plan.sync(folder)
    }

    /// Whether a file has a sidecar that names this delivery: where the file system keeps no notes, that tells whose it is.
    func hasOwnSidecar(_ key: DeliveryKey, in folder: DirectoryHandle) throws(FileProblem) -> Bool {
        guard let sidecar = plan.sidecar, sidecar.namesDelivery else { return false }
        return try read(sidecar, of: key, in: folder) == sidecar.naming(delivery)
    }

    private func state(of sidecar: Sidecar, for placement: SavedPlacement, in folder: DirectoryHandle) throws(FileProblem)
        -> SidecarName
    {
        guard let found = try read(sidecar, of: placement.key, in: folder) else { return .free }
        if found == contents(of: sidecar, for: placement) { return .ours }
        guard sidecar.isOne(found, for: placement.key) else { return .taken }
        // What a producer made with sha256sum looks the same, and is noted once it is delivered.
        let note = try folder.openFile(Array(sidecar.name(for: placement.key).utf8)).attachment(Self.note)
        return note == nil ? .old : .taken
    }

    /// What lies under the sidecar's name, as far as it could be one of ours; `nil` when the name is free.
    private func read(_ sidecar: Sidecar, of key: DeliveryKey, in folder: DirectoryHandle) throws(FileProblem) -> [UInt8]? {
        do throws(FileProblem) {
            let name = Array(sidecar.name(for: key).utf8)
            guard try folder.status(of: name).isRegular else { return [] }
            return try folder.openFile(name).readAll(limit: 1_024)
        } catch {
            if error.isMissing { return nil }
            guard error.errno == EFBIG || error.isDenied else { throw error }
            return []
        }
    }

    private func contents(of sidecar: Sidecar, for placement: SavedPlacement) -> [UInt8] {
        sidecar.contents(for: placement.key, sha256: placement.sha256, delivery: delivery)
    }
}
