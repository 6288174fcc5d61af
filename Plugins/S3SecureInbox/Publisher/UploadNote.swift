import FoundationEssentials
import PouchAWS
import PouchKit

/// The note, as `docs/consignment.md` has it.
struct UploadNote: Codable, Hashable, Sendable {
    private static let version = 1

    let note: Int
    let delivery: DeliveryID
    /// Without the inbox's prefix.
    let key: DeliveryKey
    /// `nil`: it is not open yet, or was given up.
    let upload: Progress.Upload?
    /// One run of one publisher.
    let run: String
    /// When it was written or renewed, in seconds since 1970 by the writer's clock.
    let at: Int64

    init(delivery: DeliveryID, key: DeliveryKey, upload: Progress.Upload?, run: String, at time: Timestamp) {
        note = Self.version
        self.delivery = delivery
        self.key = key
        self.upload = upload
        self.run = run
        at = time.seconds
    }

    /// How long it still keeps others away; `nil`: no longer. A time far ahead of ours is a wrong clock, and no sign of life.
    func remaining(of lease: Duration, at now: Timestamp) -> Duration? {
        let age = Timestamp(seconds: at).duration(to: now)
        return age < lease && age > Duration.zero - lease ? lease - max(age, .zero) : nil
    }

    /// What may be gone on with. A note says nothing that would decide where a file goes: it is believed about the keys of its own
    /// delivery only.
    func resumable(for consignment: Consignment, in inbox: InboxPlan.Inbox) -> Progress.Publishing? {
        let keys = [consignment.key, consignment.key.suffixed(for: consignment.delivery)]
        guard delivery == consignment.delivery, keys.contains(key), let upload,
            upload.bucket == inbox.place.name.description, upload.key == inbox.prefix + key.description
        else { return nil }
        return Progress.Publishing(key: key, requests: 0, upload: upload)
    }

    static func key(of delivery: DeliveryID, below prefix: String) -> String {
        "\(DeliveryReceiptObject.folder(below: prefix))\(delivery).upload"
    }

    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("texts and numbers can be written as JSON") }
        return Array(data)
    }

    /// `nil` for what is no note of this version: it is published from the start then.
    init?(bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)), read.note == Self.version else { return nil }
        self = read
    }
}
