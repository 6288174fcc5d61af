import PouchFiles
import PouchKit

/// `<state>/quarantine/<claim id>/<original relative path>`, or the same in the claim root of a drop folder, with the reason beside it.
extension ClaimRoots {
    /// Moves a file that can never be delivered out of the way, durably. The reason is there first: no file lies there without one.
    ///
    /// - Parameter reason: Written to `<name>.reason.json` beside the file; `reason.json` where that name would be too long.
    /// - Returns: where it lies now, for messages; `nil` for a file kept in place, which nobody may touch.
    @discardableResult
    package func quarantine(_ claim: Claim, reason: [UInt8]) throws(ClaimFailure) -> String? {
        guard let place = claim.place else { return nil }
        let (root, holder) = try opened(claim, place)
        return try doing { () throws(FileProblem) in
            let target = try quarantineFolder(of: place.root, root)
                .createFolders(Array(place.id.utf8), mode: 0o700, durably: true)
                .createFolders(claim.path.parent?.bytes ?? [], mode: 0o700, durably: true)
            try DurableWrite.write(reason, to: Self.reasonName(claim.path.name), in: target)
            try holder.renameNoReplace(claim.path.name, to: target, as: claim.path.name)
            try target.sync()
            try holder.sync()
            Self.clear(id: place.id, of: claim.path, in: root)
            return target.visible(claim.path.name)
        }
    }

    /// Moves the file back into its claim place when it is in quarantine, and drops the reason.
    func isTakenBackFromQuarantine(_ drop: DropPath, at place: ClaimPlace, root: DirectoryHandle) throws(ClaimFailure) -> Bool {
        do throws(FileProblem) {
            let quarantine = try quarantineFolder(of: place.root, root)
            let holder = try quarantine.openFolder(Array(place.id.utf8)).openFolder(drop.parent?.bytes ?? [])
            guard try holder.status(of: drop.name).isRegular else { return false }
            try Self.move(drop, from: holder, into: root, id: place.id)
            // A reason that stays is in nobody's way.
            try? holder.remove(Self.reasonName(drop.name))
            Self.clear(id: place.id, of: drop, in: quarantine)
            return true
        } catch {
            guard error.isMissing else { throw .problem(error) }
            return false
        }
    }

    private func quarantineFolder(of rootPath: String, _ root: DirectoryHandle) throws(FileProblem) -> DirectoryHandle {
        if rootPath == state + "/claims" { return try .create(state + "/" + Self.quarantineName, mode: 0o700) }
        return try root.createFolders(Array(Self.quarantineName.utf8), mode: 0o700, durably: true)
    }

    private static func reasonName(_ name: [UInt8]) -> [UInt8] {
        let ending = Array(".reason.json".utf8)
        return name.count + ending.count <= 255 ? name + ending : Array("reason.json".utf8)
    }
}
