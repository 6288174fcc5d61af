import PouchJournal
import PouchKit

/// Files that the journal has and a power cut may have put back where they were dropped: the rename of a claim is not synced, and the
/// journal's commit is. Taken as drops of their own they would be delivered twice.
///
/// Only the newest admissions can be meant: a file system keeps what it has not yet written for seconds, not for hours.
struct ReturnedDrops: Sendable {
    /// Admissions that are remembered after a start that follows no clean end.
    static let most = 100_000

    private let files: [UInt64: JournalFile]

    static let none = ReturnedDrops([])

    init(_ files: [JournalFile]) {
        self.files = Dictionary(
            files.filter { !$0.claim.inPlace }.map { ($0.identity.inode, $0) }, uniquingKeysWith: { $0.id > $1.id ? $0 : $1 })
    }

    /// The file of the journal that this drop is.
    ///
    /// - Parameter changed: The drop's ctime, asked only for a file that looks like one of ours. Whoever moves a file in again, to have
    ///   it sent once more, sets it; a rename that was undone leaves what it was before the admission.
    func match(
        folder: String, path: DropPath, identity: FileIdentity, changed: () -> Timestamp?
    ) -> JournalFile? {
        guard let file = files[identity.inode], file.folder == folder, file.path == path,
            file.identity.isUnchangedSinceRemount(identity), let changed = changed(), changed < file.admitted
        else { return nil }
        return file
    }
}
