import Glibc
import PouchCrypto
import PouchFiles
import PouchKit

/// What is done in the folder, on a thread that may block.
struct PlacementWorker: Sendable {
    /// The note on each delivered file.
    static let note = "pouch.delivery"

    let plan: LocalPlan
    let delivery: DeliveryID
    let known: DurableFolders

    enum Whereabouts: Sendable {
        case final, part, nowhere
    }

    enum Placing: Sendable {
        case placed
        /// By an earlier rename of this delivery, whose answer was lost.
        case wasThere
        case taken
    }

    // MARK: Asking

    /// Where the file of an earlier attempt is now.
    func ask(for placement: SavedPlacement) throws(FileProblem) -> Whereabouts {
        guard let folder = try present({ () throws(FileProblem) in try folder(placement.folder) }) else { return .nowhere }
        if let found = try status(of: placement.key, in: folder), placement.isOurs(found) {
            // The rename may not be durable yet, and a rename made of link and unlink may have left the other name.
            placement.removePart(from: folder)
            try plan.sync(folder)
            return .final
        }
        let part = try present { () throws(FileProblem) in try folder.status(of: Array(placement.temporaryName.utf8)) }
        return part.map(placement.isOurs) == true ? .part : .nowhere
    }

    /// Finds the file of this very delivery under one of its names, by the note that is attached to it.
    func find(_ keys: [DeliveryKey], size: Int64, sha256: SHA256Digest) throws(FileProblem) -> SavedPlacement? {
        for key in keys {
            guard let folder = try present({ () throws(FileProblem) in try folder(key.folder) }),
                let identity = try bearer(of: key, in: folder), identity.size == size
            else { continue }
            try plan.sync(folder)
            return SavedPlacement(
                folder: key.folder, temporaryName: temporaryName(for: key), key: key, part: identity, sha256: sha256)
        }
        return nil
    }

    // MARK: Writing

    /// - Parameter mayGoOn: Asked after each block, with the bytes written so far.
    func write(
        _ file: OutgoingFile, as key: DeliveryKey, _ troubles: LocalTroubles, mayGoOn: (Int64) -> Bool
    ) throws(DeliveryFailure) -> SavedPlacement {
        let name = temporaryName(for: key)
        let folder = try troubles.translating { () throws(FileProblem) in
            try prepared(for: key, Array(name.utf8), size: file.size)
        }
        if plan.whenTaken == .fail {
            let isForeign = try troubles.translating { () throws(FileProblem) in
                guard try status(of: key, in: folder) != nil else { return false }
                return try bearer(of: key, in: folder) == nil
            }
            if isForeign { throw troubles.taken(key) }
        }
        do throws(DeliveryFailure) {
            let part = try troubles.translating { () throws(FileProblem) in try newPart(Array(name.utf8), in: folder).shared() }
            return try fill(part.file, with: file, as: key, troubles, mayGoOn)
        } catch {
            // An attempt that failed leaves nothing. What a crash leaves bears the delivery's id and is written over by the next.
            try? folder.remove(Array(name.utf8))
            throw error
        }
    }

    private func fill(
        _ part: borrowing OpenFile, with file: OutgoingFile, as key: DeliveryKey, _ troubles: LocalTroubles,
        _ mayGoOn: (Int64) -> Bool
    ) throws(DeliveryFailure) -> SavedPlacement {
        var hasher = SHA256Hasher()
        do throws(FileCopy.Failure) {
            try FileCopy.copy(from: file.descriptor, named: file.path.description, size: file.size, to: part) { block, sent in
                hasher.update(block)
                return mayGoOn(sent)
            }
        } catch {
            throw troubles.failure(error)
        }
        do throws(FileProblem) {
            // A note, not a condition: where it cannot be kept, the checkpoint alone tells whose file it is.
            _ = part.attach(delivery.description, as: Self.note)
            if let owner = plan.owner { try part.setOwner(owner.user, group: owner.group) }
            // After the owner: a change of it takes bits of the mode away.
            try part.setMode(plan.mode)
            try part.setModified(nanoseconds: file.modified.nanoseconds)
            if plan.isSynced { try part.sync() }
            return SavedPlacement(
                folder: key.folder, temporaryName: temporaryName(for: key), key: key, part: try part.status().identity,
                sha256: hasher.finish())
        } catch {
            throw troubles.failure(error)
        }
    }

    func discard(_ placement: SavedPlacement) {
        guard let folder = try? folder(placement.folder) else { return }
        placement.removePart(from: folder)
    }

    // MARK: Placing

    /// Gives the part file its name and makes it durable.
    func place(_ placement: SavedPlacement) throws(FileProblem) -> Placing {
        let folder = try folder(placement.folder)
        let (part, name) = (Array(placement.temporaryName.utf8), Array(placement.key.name.utf8))
        var placing = Placing.placed
        if let sidecar = plan.sidecar, try prepare(sidecar, for: placement, in: folder) == .taken { return .taken }
        do throws(FileProblem) {
            if plan.whenTaken == .replace {
                try folder.rename(part, to: folder, as: name)
            } else {
                try folder.renameNoReplace(part, to: folder, as: name)
            }
        } catch {
            guard error.isTaken || error.isMissing else { throw error }
            // A server that answered a repeated request says `taken` or `missing` of what it did the first time.
            let isOurs = try status(of: placement.key, in: folder).map(placement.isOurs) == true
            if !isOurs {
                guard error.isTaken, plan.whenTaken != .replace else { throw error }
                guard try bearer(of: placement.key, in: folder)?.size == placement.part.size else { return .taken }
            }
            placement.removePart(from: folder)
            placing = .wasThere
        }
        try plan.sync(folder)
        return placing
    }

    // MARK: Folders and names

    func temporaryName(for key: DeliveryKey, ending more: String = "") -> String {
        PartName.text(for: key.name, more, of: delivery)
    }

    func folder(_ relative: String) throws(FileProblem) -> DirectoryHandle {
        try plan.root().openFolder(Array(relative.utf8))
    }

    private func prepared(for key: DeliveryKey, _ part: [UInt8], size: Int64) throws(FileProblem) -> DirectoryHandle {
        let folder = try known.folder(for: key, plan)
        // What a crash left of this delivery is written anew, and may be all of the room that is missing.
        _ = try present { () throws(FileProblem) in try folder.remove(part) }
        // Found out before gigabytes are written, not after.
        let space = try Filesystem.space(of: folder.descriptor, path: folder.path)
        if space.totalBytes > 0, space.freeBytes < size {
            throw FileProblem(
                operation: "find room for \(size) bytes (\(space.freeBytes) are free) in", path: folder.path, errno: ENOSPC)
        }
        return folder
    }

    func newPart(_ name: [UInt8], in folder: DirectoryHandle) throws(FileProblem) -> OpenFile {
        do throws(FileProblem) { return try folder.createFile(name) } catch {
            guard error.isTaken else { throw error }
        }
        // Of an attempt that was cut off: nobody else knows the delivery's id.
        try folder.remove(name)
        return try folder.createFile(name)
    }

    private func status(of key: DeliveryKey, in folder: DirectoryHandle) throws(FileProblem) -> FileStatus? {
        try present { () throws(FileProblem) in try folder.status(of: Array(key.name.utf8)) }
    }

    /// The file under that name, when it bears the note of this delivery, or its sidecar does.
    private func bearer(of key: DeliveryKey, in folder: DirectoryHandle) throws(FileProblem) -> FileIdentity? {
        guard let found = try status(of: key, in: folder), found.isRegular else { return nil }
        do throws(FileProblem) {
            let file = try folder.openFile(Array(key.name.utf8))
            var isOurs = file.attachment(Self.note) == delivery.description
            if !isOurs { isOurs = try hasOwnSidecar(key, in: folder) }
            return isOurs ? try file.status().identity : nil
        } catch {
            // A file that we may not read is not ours; one that has just gone is nobody's.
            guard error.isDenied || error.isMissing || error.isSymlink else { throw error }
            return nil
        }
    }

    private func present<Found>(_ look: () throws(FileProblem) -> Found) throws(FileProblem) -> Found? {
        do throws(FileProblem) { return try look() } catch {
            guard error.isMissing else { throw error }
            return nil
        }
    }
}
