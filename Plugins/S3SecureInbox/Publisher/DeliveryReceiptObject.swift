import FoundationEssentials
import PouchAWS
import PouchKit

/// What the publisher leaves in the repository about a delivery that it finished. The format is documented in
/// `docs/consignment.md`.
struct DeliveryReceiptObject: Codable, Hashable, Sendable {
    static let version = 1

    struct File: Codable, Hashable, Sendable {
        let size: Int64
        let sha256: SHA256Digest
        let crc64nvme: CRC64NVME
    }

    struct Source: Codable, Hashable, Sendable {
        let bucket: String
        let key: String
        let versionId: String?
        let etag: String
    }

    let receipt: Int
    let delivery: DeliveryID
    let partner: PartnerName
    let route: RouteName
    let agent: String
    /// Who published, by the name of its configuration.
    let publisher: String
    /// As text, so that others can read it.
    let published: String
    let location: String
    let key: String
    let confirmation: Receipt.Confirmation
    let file: File
    let source: Source
    let stage: StageRecord

    init(
        of consignment: Consignment,
        _ published: Publication.Published,
        source: Source,
        publisher: String,
        at time: Timestamp
    ) {
        receipt = Self.version
        delivery = consignment.delivery
        partner = consignment.partner
        route = consignment.route
        agent = consignment.agent
        self.publisher = publisher
        self.published = time.description
        location = published.location
        key = published.key
        confirmation = published.confirmation
        file = File(
            size: consignment.size, sha256: consignment.digests.sha256, crc64nvme: consignment.digests.crc64nvme)
        self.source = source
        stage = published.record
    }

    static func key(of delivery: DeliveryID, below prefix: String) -> String {
        "\(folder(below: prefix))\(delivery).json"
    }

    static func folder(below prefix: String) -> String { prefix + RepositoryPlace.reservedStart + "receipts/" }

    /// The delivery that the receipt at this key is of.
    static func delivery(ofKey key: String, below prefix: String) -> DeliveryID? {
        let folder = folder(below: prefix)
        guard key.utf8.starts(with: folder.utf8), key.hasSuffix(".json") else { return nil }
        return try? DeliveryID(String(key.utf8.dropFirst(folder.utf8.count).dropLast(".json".utf8.count)) ?? "")
    }

    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("texts and numbers can be written as JSON") }
        return Array(data)
    }

    /// `nil` for what is no receipt of this version. Fields that are not known here are ignored.
    init?(bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)), read.receipt == Self.version else { return nil }
        self = read
    }
}
