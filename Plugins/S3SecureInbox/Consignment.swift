import PouchAWS
import PouchKit

/// What an object in the repository says about itself, so that any publisher can finish the delivery. The format is documented in
/// `docs/consignment.md`.
struct Consignment: Hashable, Sendable {
    /// S3 takes 2 KiB of names and values.
    static let mostMetadata = 2_048

    static let deliveryName = "pouch-delivery"
    static let publishName = "pouch-publish"

    let delivery: DeliveryID
    let partner: PartnerName
    let route: RouteName
    let agent: String
    /// At the partner's, without the inbox's prefix.
    let key: DeliveryKey
    /// The original file's name as the bytes that the file system gave; `nil` where there was no room for it.
    let name: [UInt8]?
    /// Bytes of the file.
    let size: Int64
    /// Of the whole file.
    let digests: FileDigests
    var form = ConsignmentForm.object
    /// Who is to publish it: the agent that stored it, or a publisher of its own. Both kinds may lie below one prefix, and only those
    /// of the second kind ever get a receipt.
    var publish = S3SecureInboxSettings.Publisher.here

    /// It is put together in the inbox, part by part.
    var takesManyRequests: Bool { form == .segments || size > PartPlan.largestPart }

    /// For the object in the repository.
    ///
    /// - Throws: `DeliveryFailure` with `.quarantine` when the key is so long that it does not fit.
    func repositoryMetadata(attempt: String) throws(DeliveryFailure) -> [(name: String, value: String)] {
        let encodedKey = PercentEncoding.encodedForMetadata(Array(key.description.utf8))
        var needed = common + [("pouch-key", encodedKey), ("pouch-consignment", form.rawValue)]
        if publish == .elsewhere { needed.append((Self.publishName, publish.rawValue)) }
        guard Self.size(needed) <= Self.mostMetadata else {
            throw DeliveryFailure(
                .quarantine, code: "metadata-too-large", attempt: attempt,
                cause: "the key takes \(encodedKey.utf8.count) bytes as metadata, and S3 takes \(Self.mostMetadata) in all",
                hint: "let the route's template give a shorter key")
        }
        return fitting(needed)
    }

    /// For the object in the inbox: what the partner may want to know.
    var inboxMetadata: [(name: String, value: String)] { fitting(common) }

    private var common: [(name: String, value: String)] {
        [
            (Self.deliveryName, delivery.description),
            ("pouch-sha256", digests.sha256.description),
            ("pouch-crc64nvme", digests.crc64nvme.base64),
            ("pouch-size", "\(size)"),
            ("pouch-partner", partner.description),
            ("pouch-route", route.description),
            ("pouch-agent", PercentEncoding.encodedForMetadata(Array(agent.utf8))),
        ]
    }

    /// The original name goes along where there is room: the key carries one too.
    private func fitting(_ items: [(name: String, value: String)]) -> [(name: String, value: String)] {
        guard let name else { return items }
        let named = items + [("pouch-name", PercentEncoding.encodedForMetadata(name))]
        return Self.size(named) <= Self.mostMetadata ? named : items
    }

    private static func size(_ items: [(name: String, value: String)]) -> Int {
        items.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }
}

/// The form of a consignment, as its metadata says it.
enum ConsignmentForm: String, Codable, Hashable, Sendable {
    /// The object is the file.
    case object = "1"
    /// The object is the index of a file in segments.
    case segments = "2"

    func shape(at object: RepositoryObject) -> ConsignmentShape {
        switch self {
        case .object: .object(object)
        case .segments: .segments(index: object)
        }
    }
}

/// How a consignment lies in the repository, which decides how it is published.
enum ConsignmentShape: Hashable, Sendable {
    /// The file as one object: one copy.
    case object(RepositoryObject)
    /// The file in segments, which its index names: they are put together in the inbox.
    case segments(index: RepositoryObject)
}

/// An object in the repository, down to its version.
struct RepositoryObject: Hashable, Sendable {
    let key: String
    /// `nil` in a bucket without versions.
    let versionID: String?
    let etag: String

    /// The version cannot change: what is named by it is what was stored.
    var isPinned: Bool { versionID != nil && versionID != "null" }
}
