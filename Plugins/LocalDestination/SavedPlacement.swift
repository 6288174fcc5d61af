import FoundationEssentials
import PouchFiles
import PouchKit

/// What the checkpoint says: the part file is whole and synced, and is about to get its final name.
struct SavedPlacement: Codable, Hashable, Sendable {
    static let version = 1

    /// Relative to the destination's path; empty at its top.
    let folder: String
    let temporaryName: String
    /// The key that it is to get: the delivery's own or, when that was taken, another in the same folder.
    let key: DeliveryKey
    let part: FileIdentity
    let sha256: SHA256Digest

    init(folder: String, temporaryName: String, key: DeliveryKey, part: FileIdentity, sha256: SHA256Digest) {
        self.folder = folder
        self.temporaryName = temporaryName
        self.key = key
        self.part = part
        self.sha256 = sha256
    }

    /// `nil` for a checkpoint of another stage or version: the delivery starts again.
    init?(_ checkpoint: Checkpoint) {
        guard checkpoint.stage == .place, checkpoint.version == Self.version,
            let placement = try? JSONDecoder().decode(SavedPlacement.self, from: Data(checkpoint.payload))
        else { return nil }
        self = placement
    }

    func checkpoint(target: TargetFingerprint) throws -> Checkpoint {
        Checkpoint(stage: .place, version: Self.version, target: target, payload: Array(try JSONEncoder().encode(self)))
    }

    func with(_ key: DeliveryKey) -> SavedPlacement {
        SavedPlacement(folder: folder, temporaryName: temporaryName, key: key, part: part, sha256: sha256)
    }

    /// Whether this is the file that we wrote. The device is not compared: its number is given anew at each mount.
    func isOurs(_ status: FileStatus) -> Bool {
        status.isRegular && status.identity.inode == part.inode && status.identity.birth == part.birth
            && status.size == part.size
    }

    /// Only the very file. That it cannot be removed is in nobody's way: its name says what it is.
    func removePart(from folder: DirectoryHandle) {
        let name = Array(temporaryName.utf8)
        guard let found = try? folder.status(of: name), isOurs(found) else { return }
        try? folder.remove(name)
    }
}
