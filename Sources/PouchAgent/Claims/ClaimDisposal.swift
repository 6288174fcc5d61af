import Glibc
import PouchCrypto
package import PouchFiles
import PouchKit

/// What becomes of a claim when its last delivery is done. A file that was kept in place is never touched.
///
/// Nothing here but quarantine is synced: after a power cut the file may be in its claim place again. Recovery asks the journal for each
/// claim that a survey finds, and disposes of a finished one once more.
extension ClaimRoots {
    /// Moves the file into an archive, under its relative path; a taken name gets a suffix.
    ///
    /// Across mounts it is copied, read back and compared before the original is removed.
    ///
    /// - Returns: where it lies now, for messages; `nil` for a file kept in place.
    @discardableResult
    package func archive(_ claim: Claim, to archive: String, stop: StopSign = StopSign()) throws(ClaimFailure) -> String? {
        guard let place = claim.place else { return nil }
        let (root, holder) = try opened(claim, place)
        return try doing { () throws(FileProblem) in
            let target = try archiveFolder(archive, for: claim.path)
            let archived = try Archiving(claim: claim, id: place.id, holder: holder, target: target, stop: stop).run()
            Self.clear(id: place.id, of: claim.path, in: root)
            return archived
        }
    }

    package func delete(_ claim: Claim) throws(ClaimFailure) {
        guard let place = claim.place else { return }
        let (root, holder) = try opened(claim, place)
        try doing { () throws(FileProblem) in
            try holder.remove(claim.path.name)
            Self.clear(id: place.id, of: claim.path, in: root)
        }
    }

    /// The claim root and the folder of the claimed file in it, when it is still this file that lies there.
    ///
    /// - Throws: `.vanished` when it was disposed of before; that is what a repeated disposal meets.
    func opened(
        _ claim: Claim, _ place: ClaimPlace
    ) throws(ClaimFailure) -> (root: DirectoryHandle, holder: DirectoryHandle) {
        try asking(about: claim.path) { () throws(FileProblem) in
            let root = try openRoot(at: place.root)
            let holder = try root.openFolder(Array(place.id.utf8)).openFolder(claim.path.parent?.bytes ?? [])
            guard try holder.status(of: claim.path.name).identity.isSameFile(as: claim.identity) else {
                throw FileProblem(operation: "find the claimed file in", path: holder.path, errno: ESTALE)
            }
            return (root, holder)
        }
    }

    /// What is missing from here on is not the file: a problem like any other.
    func doing<Answer>(_ work: () throws(FileProblem) -> Answer) throws(ClaimFailure) -> Answer {
        do throws(FileProblem) { return try work() } catch { throw .problem(error) }
    }

    /// Pruning may remove a folder of the archive between its making and its use, so it is opened, not remembered.
    private func archiveFolder(_ archive: String, for path: DropPath) throws(FileProblem) -> DirectoryHandle {
        try DirectoryHandle.create(archive, mode: 0o750).createFolders(path.parent?.bytes ?? [], mode: 0o750, durably: true)
    }
}

/// One move into an archive.
private struct Archiving {
    let claim: Claim
    let id: String
    let holder: DirectoryHandle
    let target: DirectoryHandle
    let stop: StopSign

    func run() throws(FileProblem) -> String {
        let name = claim.path.name
        let final: [UInt8]
        do throws(FileProblem) {
            final = try place(name, of: holder)
        } catch {
            guard error.isOtherMount else { throw error }
            final = try copied()
        }
        try stamp(final)
        return target.visible(final)
    }

    /// Gives the file its name in the archive: its own, or one with a suffix.
    private func place(_ name: [UInt8], of folder: DirectoryHandle) throws(FileProblem) -> [UInt8] {
        var wanted = claim.path.name
        var suffix = id
        for _ in 0..<16 {
            do throws(FileProblem) {
                try folder.renameNoReplace(name, to: target, as: wanted)
                return wanted
            } catch {
                guard error.isTaken else { throw error }
                wanted = ClaimName.suffixed(claim.path.name, for: suffix)
                suffix = ClaimName.random(prefix: "")
            }
        }
        throw FileProblem(operation: "find a free name in the archive for", path: target.visible(claim.path.name), errno: EEXIST)
    }

    private func copied() throws(FileProblem) -> [UInt8] {
        let temporary = Array(".pouch-\(ClaimName.random(prefix: id)).part".utf8)
        let copy = try target.createFile(temporary)
        let final: [UInt8]
        do throws(FileProblem) {
            try fill(copy)
            final = try place(temporary, of: target)
        } catch {
            // The cause is what matters; a leftover is pruned like any other file of the archive.
            try? target.remove(temporary)
            throw error
        }
        try target.sync()
        try holder.remove(claim.path.name)
        return final
    }

    private func fill(_ copy: borrowing OpenFile) throws(FileProblem) {
        let status = try claim.file.status()
        var hasher = SHA256Hasher()
        do throws(FileCopy.Failure) {
            try FileCopy.copy(from: claim.file.descriptor, named: claim.file.path, size: status.size, to: copy) { block, _ in
                hasher.update(block)
                return !stop.isRaised
            }
        } catch {
            switch error {
            case .source(let problem), .target(let problem): throw problem
            case .otherSize: throw FileProblem(operation: "copy, since it changes,", path: claim.file.path, errno: EBUSY)
            case .stopped: throw FileProblem(operation: "copy", path: claim.file.path, errno: ECANCELED)
            }
        }
        try copy.setMode(status.mode & 0o777)
        try copy.setModified(nanoseconds: status.identity.modified)
        try copy.sync()
        // Out of the cache, so that what is compared comes from the disk.
        _ = posix_fadvise(copy.descriptor, 0, 0, POSIX_FADV_DONTNEED)
        let readBack = try? FileHasher.digests(ofFile: copy.descriptor, size: status.size)
        guard readBack?.sha256 == hasher.finish() else {
            throw FileProblem(operation: "read back what was written to", path: copy.path, errno: EIO)
        }
    }

    /// Pruning counts from ctime. A rename sets it on every file system that we know, and POSIX does not say so: then a change of
    /// the mode to itself does.
    private func stamp(_ name: [UInt8]) throws(FileProblem) {
        let archived = try target.status(of: name)
        guard archived.isRegular, archived.changed == claim.status.changed else { return }
        try? target.openFile(name).setMode(archived.mode)
    }
}
