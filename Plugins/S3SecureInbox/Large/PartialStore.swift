import FoundationEssentials
import PouchAWS
import PouchKit

/// How far the storing of a large file got: what a restart does not send again.
///
/// As a checkpoint it is text: a line of JSON that says what is stored and where, then a line for each part that lies there. Parts are
/// only ever added, so that saving costs a copy of these bytes and nothing is encoded twice.
struct PartialStore: Sendable {
    static let version = 1

    /// Where the parts go.
    enum Place: Codable, Hashable, Sendable {
        /// Objects of their own, below this key.
        case segments(below: String)
        /// Parts of this upload.
        case upload(id: String, bucket: String, key: String)
    }

    struct Part: Hashable, Sendable {
        let etag: String
        /// `nil` in a bucket without versions, and for the part of an upload.
        let versionID: String?
        let checksum: CRC64NVME
    }

    private struct Head: Codable {
        let place: Place
        let size: Int64
        let partSize: Int64
        /// Of the source: another time is another content.
        let modified: Int64
    }

    let place: Place
    let plan: PartPlan
    let modified: Timestamp
    private(set) var parts: [Int: Part] = [:]
    private(set) var payload: [UInt8]

    init(place: Place, plan: PartPlan, modified: Timestamp) {
        self.place = place
        self.plan = plan
        self.modified = modified
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let head = Head(place: place, size: plan.byteCount, partSize: plan.partSize, modified: modified.nanoseconds)
        // Numbers and texts: there is nothing in it that JSON could not hold.
        payload = Array((try? encoder.encode(head)) ?? Data()) + [UInt8(ascii: "\n")]
    }

    mutating func add(_ part: Part, number: Int) {
        guard parts.updateValue(part, forKey: number) == nil else { return }
        let line = "\(number) \(part.checksum.base64) \(Self.word(part.etag)) \(part.versionID.map(Self.word) ?? "")\n"
        payload += Array(line.utf8)
    }

    func checkpoint(for target: TargetFingerprint) -> Checkpoint {
        Checkpoint(stage: .storeParts, version: Self.version, target: target, payload: payload)
    }

    /// `nil` for another checkpoint, or one that cannot be read: the storing begins again.
    init?(_ checkpoint: Checkpoint?) {
        guard let checkpoint, checkpoint.stage == .storeParts, checkpoint.version == Self.version else { return nil }
        var lines = checkpoint.payload.split(separator: UInt8(ascii: "\n")).makeIterator()
        guard let first = lines.next(), let head = try? JSONDecoder().decode(Head.self, from: Data(first)) else { return nil }
        self.init(
            place: head.place, plan: PartPlan(byteCount: head.size, partSize: head.partSize),
            modified: Timestamp(nanoseconds: head.modified))
        while let line = lines.next() {
            guard let (number, part) = Self.part(of: line), plan.numbers.contains(number) else { return nil }
            add(part, number: number)
        }
    }

    private static func part(of line: ArraySlice<UInt8>) -> (Int, Part)? {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 4, let number = Int(words[0]), let checksum = CRC64NVME(base64: String(words[1])),
            let etag = PercentEncoding.decoded(words[2]), let version = PercentEncoding.decoded(words[3])
        else { return nil }
        let versionID = version.isEmpty ? nil : String(decoding: version, as: UTF8.self)
        return (number, Part(etag: String(decoding: etag, as: UTF8.self), versionID: versionID, checksum: checksum))
    }

    /// What the far end said, as one word.
    private static func word(_ text: String) -> String { PercentEncoding.encodedForMetadata(Array(text.utf8)) }
}
