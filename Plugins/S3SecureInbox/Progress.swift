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
        /// `nil`, as earlier versions wrote it, for an object that is the file.
        let form: ConsignmentForm?
        let digests: FileDigests
        let size: Int64
        let at: Timestamp
        let record: StageRecord

        var shape: ConsignmentShape {
            let object = RepositoryObject(key: key, versionID: versionID, etag: etag)
            return (form ?? .object).shape(at: object)
        }
    }

    /// A copy to this key was about to be sent when this was saved: it may have taken effect.
    struct Publishing: Codable, Hashable, Sendable {
        let key: DeliveryKey
        /// Sent before this was saved.
        let requests: Int
        /// Where the object is being put together; `nil` for a copy in one request.
        var upload: Upload?

        /// Something may have taken effect that no answer told of. An upload that was not to be completed yet cannot.
        var isAtLarge: Bool { upload.map { $0.isCompleting || $0.followsLost } ?? true }
    }

    /// An upload of ours in the inbox.
    struct Upload: Codable, Hashable, Sendable {
        let id: String
        let bucket: String
        /// Prefix included.
        let key: String
        /// To complete it was about to be sent: it may have taken effect.
        var isCompleting: Bool
        /// An upload to the same key before this one may have taken effect. (`nil`, as earlier versions wrote it: none.)
        private var afterLost: Bool?

        var followsLost: Bool { afterLost ?? false }

        init(id: String, bucket: String, key: String, isCompleting: Bool, followsLost: Bool) {
            (self.id, self.bucket, self.key, self.isCompleting) = (id, bucket, key, isCompleting)
            afterLost = followsLost ? true : nil
        }
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
