import Logging
import PouchFiles
import PouchJournal
import PouchKit
import PouchWatch
import Synchronization

/// The claim roots of all drop folders, by the path of the folder: takes drops, finds claimed files again, disposes of them.
///
/// A folder that is not in the configuration any more still has files on their way, so its roots are made when they are asked for.
final class ClaimedFolders: ClaimedFiles {
    private let state: String
    private let logger: Logger
    private let roots = Mutex<[String: ClaimRoots]>([:])

    init(state: String, logger: Logger) {
        self.state = state
        self.logger = logger
    }

    func roots(of folder: String) -> ClaimRoots {
        roots.withLock { roots in
            if let known = roots[folder] { return known }
            let made = ClaimRoots(folder: folder, state: state) { [logger] notice in Self.tell(notice, logger) }
            roots[folder] = made
            return made
        }
    }

    /// Claims a settled drop, or looks at it in place for `then: keep`. Blocking.
    func take(_ drop: SettledDrop, plan: FolderPlan) throws(ClaimFailure) -> (ClaimRecord, FileIdentity) {
        let roots = roots(of: plan.watched.path)
        if plan.afterwards == .keep {
            let claim = try roots.openInPlace(drop.path, expected: drop.identity)
            return (Self.inPlace(folder: plan.watched.path), claim.identity)
        }
        let claim = try roots.claim(drop.path, expected: drop.identity)
        guard let place = claim.place else { throw .vanished(drop.path) }
        return (ClaimRecord(id: place.id, root: place.root, inPlace: false), claim.identity)
    }

    /// A record for a file that is delivered from where it lies.
    static func inPlace(folder: String) -> ClaimRecord {
        ClaimRecord(id: "in-place-\(DeliveryID.random())", root: folder, inPlace: true)
    }

    /// A producer's marker, as it was when its drop was taken.
    struct Marker {
        let path: DropPath
        let identity: FileIdentity
    }

    /// - Returns: `nil` when there is none to be removed.
    func marker(of drop: SettledDrop, plan: FolderPlan) -> Marker? {
        guard let path = drop.marker, plan.afterwards != .keep else { return nil }
        // One that cannot be looked at cannot be removed either.
        guard let status = try? DirectoryHandle.open(plan.watched.path).status(of: path.bytes) else { return nil }
        return Marker(path: path, identity: status.identity)
    }

    /// The producer's marker has done its work. When it cannot be removed it is told; it harms nobody but the eye.
    ///
    /// One that was made anew is of another drop of the same name, and stays.
    func remove(_ marker: Marker, of plan: FolderPlan) {
        do throws(FileProblem) {
            let folder = try DirectoryHandle.open(plan.watched.path).openFolder(marker.path.parent?.bytes ?? [])
            guard try folder.status(of: marker.path.name).identity == marker.identity else { return }
            try folder.remove(marker.path.name)
        } catch {
            if !error.isMissing {
                logger.warning("could not remove the marker", metadata: ["file": "\(marker.path)", "cause": "\(error)"])
            }
        }
    }

    // MARK: Finding again

    func open(_ file: JournalFile) throws(DeliveryFailure) -> SharedFile {
        if file.claim.inPlace { return try openInPlace(file) }
        switch locate(file) {
        case .found(let claim): return claim.file
        case .changed(let claim): throw SourceFailure.changed(file.path, from: file.identity, to: claim.identity)
        case .unavailable(let problem): throw SourceFailure.unreadable(file.path, problem)
        case .missing: throw Self.missing(file)
        }
    }

    /// What the file is now; for a changed source that is to be taken anew. Blocking.
    func current(_ file: JournalFile) throws(DeliveryFailure) -> FileIdentity {
        switch locate(file) {
        case .found(let claim), .changed(let claim): return claim.identity
        case .unavailable(let problem): throw SourceFailure.unreadable(file.path, problem)
        case .missing: throw Self.missing(file)
        }
    }

    func locate(_ file: JournalFile) -> ClaimLocation {
        roots(of: file.folder).locate(
            file.path,
            at: ClaimPlace(id: file.claim.id, root: file.claim.root),
            identity: file.identity
        )
    }

    private func openInPlace(_ file: JournalFile) throws(DeliveryFailure) -> SharedFile {
        let opened: SharedFile
        let now: FileIdentity
        do throws(FileProblem) {
            opened = try DirectoryHandle.open(file.folder).openFile(file.path.bytes).shared()
            now = try opened.status().identity
        } catch {
            throw error.isMissing ? Self.missing(file) : SourceFailure.unreadable(file.path, error)
        }
        guard now.isUnchangedSinceRemount(file.identity) else {
            throw SourceFailure.changed(file.path, from: file.identity, to: now)
        }
        return opened
    }

    private static func missing(_ file: JournalFile) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine,
            code: "source-missing",
            attempt: "open \(file.path)",
            cause: file.claim.inPlace
                ? "it is not in \(file.folder) any more"
                : "it lies neither in \(file.claim.root)/\(file.claim.id) nor in \(file.folder)",
            hint: file.claim.inPlace
                ? "the folder says `then: keep`: its owner removed the file before it was delivered"
                : "somebody removed a claimed file by hand; drop it again"
        )
    }

    private static func tell(_ notice: ClaimNotice, _ logger: Logger) {
        switch notice {
        case .folderReplaced(let folder): logger.warning("a drop folder was replaced by another", metadata: ["folder": "\(folder)"])
        case .rootReplaced(let root): logger.error("a claim root was removed or replaced", metadata: ["root": "\(root)"])
        case .rootChosen(let folder, let root): logger.debug("claims go to", metadata: ["folder": "\(folder)", "root": "\(root)"])
        }
    }
}
