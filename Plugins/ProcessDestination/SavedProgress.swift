import FoundationEssentials
import PouchKit

/// What the checkpoint says: what the plugin wants to be told again, and whether the file may have become visible since.
struct SavedProgress: Codable, Hashable, Sendable {
    static let version = 1

    let delivery: DeliveryID
    /// The plugin's own.
    let data: String
    /// True: everything was at the far end, and the plugin was about to make it visible.
    let isReady: Bool

    init(delivery: DeliveryID, data: String, isReady: Bool) {
        self.delivery = delivery
        self.data = data
        self.isReady = isReady
    }

    /// `nil` for a checkpoint of another stage or version: the delivery starts again.
    init?(_ checkpoint: Checkpoint) {
        guard checkpoint.stage == .place, checkpoint.version == Self.version,
            let saved = try? JSONDecoder().decode(SavedProgress.self, from: Data(checkpoint.payload))
        else { return nil }
        self = saved
    }

    func checkpoint(target: TargetFingerprint) -> Checkpoint {
        // Two texts and a Boolean: nothing in them cannot be encoded.
        let payload = (try? JSONEncoder().encode(self)).map(Array.init) ?? []
        return Checkpoint(stage: .place, version: Self.version, target: target, payload: payload)
    }
}
