import FoundationEssentials
import PouchKit

/// What a checkpoint says: what lies at the server under which names, and what is about to happen to it.
struct SavedUpload: Codable, Hashable, Sendable {
    static let version = 1

    enum Step: String, Codable, Sendable {
        /// Bytes are about to go to `temporary`; with `upload: direct`, to the final name, where nothing was.
        case uploading
        /// All of it was sent to `temporary`, and it is about to be looked at and renamed to its final name.
        case placing
    }

    struct Sidecar: Codable, Hashable, Sendable {
        let temporary: String
        let final: String
    }

    let step: Step
    let key: DeliveryKey
    /// The server's path; `nil` with `upload: direct`.
    let temporary: String?
    let sidecars: [Sidecar]
    let size: Int64
    /// The source's own time, with which its size it is known again.
    let modified: Int64

    init(
        _ step: Step, _ key: DeliveryKey, temporary: String?, sidecars: [Sidecar] = [], of file: OutgoingFile
    ) {
        self.step = step
        self.key = key
        self.temporary = temporary
        self.sidecars = sidecars
        size = file.size
        modified = file.modified.nanoseconds
    }

    /// `nil` for a checkpoint of another version, or one that cannot be read: the delivery starts again.
    init?(_ checkpoint: Checkpoint) {
        guard checkpoint.stage == .place, checkpoint.version == Self.version,
            let saved = try? JSONDecoder().decode(SavedUpload.self, from: Data(checkpoint.payload))
        else { return nil }
        self = saved
    }

    func checkpoint(target: TargetFingerprint) throws(DeliveryFailure) -> Checkpoint {
        do {
            return Checkpoint(stage: .place, version: Self.version, target: target, payload: Array(try JSONEncoder().encode(self)))
        } catch {
            throw DeliveryFailure(
                .quarantine, code: "checkpoint-unwritable", attempt: "note how far the delivery got", cause: "\(error)")
        }
    }

    /// Whether it was made of this very file.
    func isOf(_ file: OutgoingFile) -> Bool { size == file.size && modified == file.modified.nanoseconds }

    /// What the partner is not meant to see, and may be removed. Its name says so.
    var temporaries: [String] {
        (sidecars.map(\.temporary) + [temporary].compactMap { $0 }).filter { $0.hasSuffix(PartName.ending) }
    }
}
