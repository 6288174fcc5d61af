import FoundationEssentials
import PouchKit

/// What a checkpoint holds: what lies in the repository, and what is about to happen in the inbox.
struct Progress: Codable, Hashable, Sendable {
    static let version = 1

    /// The object in the repository.
    struct Stored: Codable, Hashable, Sendable {
        let key: String
        /// `nil` in a bucket without versions.
        let versionID: String?
        let etag: String
        let digests: FileDigests
        let size: Int64
        let at: Timestamp
        let record: StageRecord

        var shape: ConsignmentShape { .object(RepositoryObject(key: key, versionID: versionID, etag: etag)) }
    }

    /// A copy to this key was about to be sent when this was saved: it may have taken effect.
    struct Publishing: Codable, Hashable, Sendable {
        let key: DeliveryKey
        /// Sent before this was saved.
        let requests: Int
    }

    var stored: Stored
    var publishing: Publishing?

    func checkpoint(for target: TargetFingerprint) throws(DeliveryFailure) -> Checkpoint {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let payload = Array(try encoder.encode(self))
            return Checkpoint(
                stage: publishing == nil ? .store : .publish, version: Self.version, target: target, payload: payload)
        } catch {
            throw DeliveryFailure(
                .quarantine, code: "checkpoint-unwritable", attempt: "note how far the delivery got", cause: "\(error)")
        }
    }

    /// `nil` for a checkpoint of another version, or one that cannot be read: the delivery begins again.
    init?(_ checkpoint: Checkpoint?) {
        guard let checkpoint, checkpoint.version == Self.version,
            let progress = try? JSONDecoder().decode(Progress.self, from: Data(checkpoint.payload))
        else { return nil }
        self = progress
    }

    init(stored: Stored, publishing: Publishing? = nil) {
        self.stored = stored
        self.publishing = publishing
    }
}
