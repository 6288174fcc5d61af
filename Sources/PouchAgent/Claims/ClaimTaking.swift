import PouchFiles
package import PouchKit

extension ClaimRoots {
    /// Takes a drop: from here on it is ours, and what its producer does to the path does not touch it.
    ///
    /// After the rename it must be the very file that settled, not written to since; anything else is put back. Nothing is
    /// synced: after a power cut the file may lie where it was dropped, and `locate` takes it again.
    ///
    /// - Parameter expected: The identity with which it settled.
    package func claim(_ drop: DropPath, expected: FileIdentity) throws(ClaimFailure) -> Claim {
        let (ground, parent, found) = try asking(about: drop) { () throws(FileProblem) in
            let ground = try standing()
            let parent = try ground.folder.openFolder(drop.parent?.bytes ?? [])
            return (ground, parent, try parent.status(of: drop.name))
        }
        try Self.check(drop, found, expected: expected)
        // Whatever needs a descriptor comes before the rename: without one the file stays where its producer put it.
        let file = try asking(about: drop) { () throws(FileProblem) in try parent.openFile(drop.name).shared() }
        let id = ClaimName.random(prefix: prefix)
        let (root, holder) = try asking(about: drop) { () throws(FileProblem) in
            do throws(FileProblem) {
                return (ground.root, try Self.move(drop, from: parent, into: ground.root.folder, id: id))
            } catch {
                guard error.isOtherMount else { throw error }
                let root = try nestedRoot(for: drop, parent: parent, ground)
                return (root, try Self.move(drop, from: parent, into: root.folder, id: id))
            }
        }
        let place = ClaimPlace(id: id, root: root.path)
        do throws(ClaimFailure) {
            let status = try taken(drop, as: file, in: holder, expected: expected)
            return Claim(whereabouts: .claimed(place), path: drop, file: file, status: status)
        } catch {
            try putBack(drop, from: holder, at: place, in: root.folder, into: parent, of: ground.folder)
            throw error
        }
    }

    /// What the rename took must be the file that was opened before it: another may have come under its name in between.
    private func taken(
        _ drop: DropPath, as file: SharedFile, in holder: DirectoryHandle, expected: FileIdentity
    ) throws(ClaimFailure) -> FileStatus {
        let (there, status) = try asking(about: drop) { () throws(FileProblem) in
            (try holder.status(of: drop.name), try file.status())
        }
        try Self.check(drop, there, expected: expected)
        try Self.check(drop, status, expected: expected)
        return status
    }

    /// `then: keep`: opens a settled drop where it lies and touches nothing.
    package func openInPlace(_ drop: DropPath, expected: FileIdentity) throws(ClaimFailure) -> Claim {
        let (file, status) = try asking(about: drop) { () throws(FileProblem) in
            let folder = try standingFolder()
            // Looked at before it is opened: to open a device may have an effect.
            let status = try folder.status(of: drop.bytes)
            guard status.isRegular else { return (SharedFile?.none, status) }
            let file = try folder.openFile(drop.bytes).shared()
            return (file, try file.status())
        }
        try Self.check(drop, status, expected: expected)
        guard let file else { throw .notRegular(drop, status.kind) }
        return Claim(whereabouts: .inPlace, path: drop, file: file, status: status)
    }

    /// Puts a claim back where it was dropped, without a word to anybody: it settles anew there.
    ///
    /// - Throws: `.stranded` when the name is taken: the claim stays ours.
    package func unclaim(_ drop: DropPath, at place: ClaimPlace) throws(ClaimFailure) {
        // A drop folder that is away does not make the claim vanish.
        let folder = try doing { () throws(FileProblem) in try standingFolder() }
        let (root, holder) = try asking(about: drop) { () throws(FileProblem) in
            let root = try openRoot(at: place.root)
            return (root, try root.openFolder(Array(place.id.utf8)).openFolder(drop.parent?.bytes ?? []))
        }
        try putBack(drop, from: holder, at: place, in: root, into: nil, of: folder)
    }

    /// Opens what lies in the claim place.
    ///
    /// - Returns: Whatever regular file it is.
    func opened(_ drop: DropPath, at place: ClaimPlace, in root: DirectoryHandle) throws(ClaimFailure) -> Claim {
        let (file, status) = try asking(about: drop) { () throws(FileProblem) in
            let folder = try root.openFolder(Array(place.id.utf8)).openFolder(drop.parent?.bytes ?? [])
            // Looked at before it is opened: to open a device may have an effect.
            let status = try folder.status(of: drop.name)
            guard status.isRegular else { return (SharedFile?.none, status) }
            let file = try folder.openFile(drop.name).shared()
            return (file, try file.status())
        }
        guard let file, status.isRegular else { throw .notRegular(drop, status.kind) }
        return Claim(whereabouts: .claimed(place), path: drop, file: file, status: status)
    }

    /// The drop folder alone: what is kept in place, or put back, needs no claim root.
    func standingFolder() throws(FileProblem) -> DirectoryHandle { try .open(folder) }

    func asking<Answer>(
        about drop: DropPath, _ question: () throws(FileProblem) -> Answer
    ) throws(ClaimFailure) -> Answer {
        do throws(FileProblem) {
            return try question()
        } catch {
            throw error.isMissing ? .vanished(drop) : .problem(error)
        }
    }

    /// Renames a drop into a root, under an id that is new or already its own.
    ///
    /// - Returns: The folder that holds it now.
    @discardableResult
    static func move(
        _ drop: DropPath, from parent: DirectoryHandle, into root: DirectoryHandle, id: String
    ) throws(FileProblem) -> DirectoryHandle {
        try root.makeFolder(Array(id.utf8), mode: 0o700)
        let place = try root.openFolder(Array(id.utf8)).createFolders(drop.parent?.bytes ?? [], mode: 0o700)
        do throws(FileProblem) {
            try parent.renameNoReplace(drop.name, to: place, as: drop.name)
            return place
        } catch {
            clear(id: id, of: drop, in: root)
            throw error
        }
    }

    /// Removes the folders of a claim that were emptied. What is not empty stays, and what fails is found by the next survey.
    static func clear(id: String, of drop: DropPath, in root: DirectoryHandle) {
        if let top = try? root.openFolder(Array(id.utf8)) {
            var parent = drop.parent
            while let folder = parent {
                let above = folder.parent
                guard let holder = try? top.openFolder(above?.bytes ?? []), (try? holder.removeFolder(folder.name)) != nil else {
                    return
                }
                parent = above
            }
        }
        try? root.removeFolder(Array(id.utf8))
    }

    /// - Parameter parent: The folder that it came from, while that is open: then nothing here needs a descriptor.
    private func putBack(
        _ drop: DropPath,
        from holder: DirectoryHandle,
        at place: ClaimPlace,
        in root: DirectoryHandle,
        into parent: DirectoryHandle?,
        of folder: DirectoryHandle
    ) throws(ClaimFailure) {
        let hasRoom = try asking(about: drop) { () throws(FileProblem) in
            do throws(FileProblem) {
                try Self.rename(drop, from: holder, to: parent, of: folder)
            } catch {
                guard error.isTaken else { throw error }
                // A rename that was made of link and unlink, and cut between the two, left both names.
                let theirs = try folder.status(of: drop.bytes)
                guard try holder.status(of: drop.name).identity.isSameFile(as: theirs.identity) else { return false }
                try holder.remove(drop.name)
            }
            Self.clear(id: place.id, of: drop, in: root)
            return true
        }
        guard hasRoom else { throw .stranded(drop, place) }
    }

    /// Its producer may have removed the folders when they had become empty.
    private static func rename(
        _ drop: DropPath, from holder: DirectoryHandle, to parent: DirectoryHandle?, of folder: DirectoryHandle
    ) throws(FileProblem) {
        if let parent {
            do throws(FileProblem) { return try holder.renameNoReplace(drop.name, to: parent, as: drop.name) } catch {
                guard error.isMissing else { throw error }
            }
        }
        let parent = try folder.createFolders(drop.parent?.bytes ?? [])
        try holder.renameNoReplace(drop.name, to: parent, as: drop.name)
    }

    private static func check(_ drop: DropPath, _ found: FileStatus, expected: FileIdentity) throws(ClaimFailure) {
        guard found.isRegular else { throw .notRegular(drop, found.kind) }
        guard found.identity == expected else { throw .changed(drop, now: found.identity) }
    }
}
