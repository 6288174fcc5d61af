import FoundationEssentials
import PouchKit

/// What the checkpoint says: what the plugin wants to be told again, and whether the file may have become visible since.
struct SavedProgress: Decodable, Hashable, Sendable {
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
        var payload = JSONLine()
        payload.add("delivery", delivery.description)
        payload.add("data", data)
        payload.add("isReady", isReady)
        return Checkpoint(stage: .place, version: Self.version, target: target, payload: payload.object)
    }
}
