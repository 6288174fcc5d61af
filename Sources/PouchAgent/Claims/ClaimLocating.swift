import PouchFiles
package import PouchKit

extension ClaimRoots {
    /// Finds a claim of an earlier run: in its claim place, else in quarantine, else where it was dropped, from where it is
    /// taken again. (The rename of a claim is not synced: a power cut may have undone it.)
    ///
    /// - Parameter identity: As recorded. Its device number is not compared: it is given anew at each mount.
    package func locate(_ drop: DropPath, at place: ClaimPlace, identity: FileIdentity) -> ClaimLocation {
        do throws(ClaimFailure) {
            let root: DirectoryHandle
            do throws(FileProblem) { root = try openRoot(at: place.root) } catch { return .unavailable(error) }
            if let claim = try present({ () throws(ClaimFailure) in try opened(drop, at: place, in: root) }) {
                removeOtherName(of: claim)
                return located(claim, identity)
            }
            if try isTakenBackFromQuarantine(drop, at: place, root: root) {
                return located(try opened(drop, at: place, in: root), identity)
            }
            if let claim = try takenAgain(drop, at: place, root: root, identity) { return .found(claim) }
            // Another task may have taken it again a moment ago.
            return try present({ () throws(ClaimFailure) in try opened(drop, at: place, in: root) })
                .map { located($0, identity) } ?? .missing
        } catch {
            switch error {
            case .problem(let problem): return .unavailable(problem)
            case .vanished, .notRegular, .changed, .stranded: return .missing
            }
        }
    }

    private func located(_ claim: Claim, _ identity: FileIdentity) -> ClaimLocation {
        claim.identity.isUnchangedSinceRemount(identity) ? .found(claim) : .changed(claim)
    }

    private func present(_ opening: () throws(ClaimFailure) -> Claim) throws(ClaimFailure) -> Claim? {
        do throws(ClaimFailure) {
            return try opening()
        } catch {
            if case .vanished = error { return nil }
            throw error
        }
    }

    /// A rename that was made of link and unlink may have been cut between the two: then the drop is still seen where it was.
    private func removeOtherName(of claim: Claim) {
        guard claim.status.links > 1, let folder = try? standingFolder(),
            let parent = try? folder.openFolder(claim.path.parent?.bytes ?? []),
            let other = try? parent.status(of: claim.path.name), other.identity.isSameFile(as: claim.identity)
        else { return }
        // When it cannot be removed it is settled and claimed as a drop of its own: twice delivered is better than not at all.
        try? parent.remove(claim.path.name)
    }

    private func takenAgain(
        _ drop: DropPath, at place: ClaimPlace, root: DirectoryHandle, _ identity: FileIdentity
    ) throws(ClaimFailure) -> Claim? {
        // While the drop folder is away nobody knows whether the file lies in it.
        let folder = try doing { () throws(FileProblem) in try standingFolder() }
        let isThere = try asking(about: drop) { () throws(FileProblem) in
            let parent = try folder.openFolder(drop.parent?.bytes ?? [])
            let found = try parent.status(of: drop.name)
            guard found.isRegular, found.identity.isUnchangedSinceRemount(identity) else { return false }
            try Self.move(drop, from: parent, into: root, id: place.id)
            return true
        }
        return isThere ? try opened(drop, at: place, in: root) : nil
    }
}

extension FileIdentity {
    /// Whether it is still that file, not written to. Device numbers are given anew at each mount.
    func isUnchangedSinceRemount(_ earlier: FileIdentity) -> Bool {
        inode == earlier.inode && birth == earlier.birth && size == earlier.size && modified == earlier.modified
    }
}
