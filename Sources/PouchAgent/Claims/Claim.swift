package import PouchFiles
package import PouchKit

/// Where a claimed file lies, for the journal: `<root>/<id>/<original relative path>`.
package struct ClaimPlace: Hashable, Sendable, Codable {
    /// `<8 hex of the drop folder's path>-<16 random hex>`
    package let id: String
    /// The absolute path of the claim root.
    package let root: String

    package init(id: String, root: String) {
        self.id = id
        self.root = root
    }
}

/// A settled drop that is ours, or that we hold in place.
package struct Claim: Sendable {
    package enum Whereabouts: Hashable, Sendable {
        case claimed(ClaimPlace)
        /// `then: keep`: it lies where it was dropped, and nobody is kept from changing it.
        case inPlace
    }

    package let whereabouts: Whereabouts
    package let path: DropPath
    /// Open for reading, for as long as anybody uses the claim.
    package let file: SharedFile
    /// Taken from the descriptor when the claim was made. More than one link: others may still write to it.
    package let status: FileStatus

    package var identity: FileIdentity { status.identity }

    package var place: ClaimPlace? {
        guard case .claimed(let place) = whereabouts else { return nil }
        return place
    }

    /// Whether size and modification time are still those of the claim.
    package func isUnchanged() throws(FileProblem) -> Bool { try file.status().identity == identity }
}

/// Why a drop is not ours.
package enum ClaimFailure: Error, Hashable, CustomStringConvertible {
    /// It is not there any more: its owner took it back. No error for anybody.
    case vanished(DropPath)
    /// It is a link, a folder, a FIFO, … now.
    case notRegular(DropPath, FileStatus.Kind)
    /// It is another file, or was written to, since it settled. It lies where it was dropped, to settle anew.
    case changed(DropPath, now: FileIdentity)
    /// The wrong thing came along and could not be put back, since its name was taken meanwhile. It lies in the claim root; the next
    /// survey finds it.
    case stranded(DropPath, ClaimPlace)
    /// The system refused.
    case problem(FileProblem)

    package var description: String {
        switch self {
        case .vanished(let path): "\(path) is gone"
        case .notRegular(let path, let kind): "\(path) is no regular file but a \(kind)"
        case .changed(let path, _): "\(path) changed after it had settled"
        case .stranded(let path, let place):
            "\(path) changed after it had settled, and its name is taken: it lies in \(place.root)/\(place.id)"
        case .problem(let problem): problem.description
        }
    }
}

/// What somebody should know about a drop folder or its claim root.
package enum ClaimNotice: Hashable, Sendable {
    /// The drop folder was replaced by another of the same name, or its mount came or went.
    case folderReplaced(String)
    /// The claim root was removed or replaced. Claimed files that lay in it are gone or elsewhere.
    case rootReplaced(String)
    /// Claims of this folder lie at this root; said at first use and whenever it changes.
    case rootChosen(folder: String, root: String)
}

/// Where a claim of an earlier run was found.
package enum ClaimLocation: Sendable {
    /// As it was recorded, or taken again after a power cut had put it back. Its place is what counts from now on.
    case found(Claim)
    /// In its claim place, and written to since it was recorded.
    case changed(Claim)
    /// Neither in its claim place nor where it was dropped.
    case missing
    /// Its root cannot be looked into (a mount is away): nothing is known about the file.
    case unavailable(FileProblem)
}
