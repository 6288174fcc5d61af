import PouchAWS
import PouchKit

/// What an object in the repository says about itself, so that any publisher can finish the delivery. The format is documented in
/// `docs/consignment.md`.
struct Consignment: Sendable {
    static let version = "1"
    /// S3 takes 2 KiB of names and values.
    static let mostMetadata = 2_048

    static let deliveryName = "pouch-delivery"

    private let common: [(name: String, value: String)]
    private let name: (name: String, value: String)
    private let key: (name: String, value: String)

    init(_ file: OutgoingFile, _ digests: FileDigests, in context: DeliveryContext) {
        common = [
            (Self.deliveryName, context.delivery.description),
            ("pouch-sha256", digests.sha256.description),
            ("pouch-crc64nvme", digests.crc64nvme.base64),
            ("pouch-size", "\(file.size)"),
            ("pouch-partner", context.partner.description),
            ("pouch-route", context.route.description),
            ("pouch-agent", PercentEncoding.encodedForMetadata(Array(context.agent.utf8))),
        ]
        name = ("pouch-name", PercentEncoding.encodedForMetadata(file.path.name))
        key = ("pouch-key", PercentEncoding.encodedForMetadata(Array(context.key.description.utf8)))
    }

    /// For the object in the repository.
    ///
    /// - Throws: `DeliveryFailure` with `.quarantine` when the key is so long that it does not fit.
    func repositoryMetadata(attempt: String) throws(DeliveryFailure) -> [(name: String, value: String)] {
        let needed = common + [key, ("pouch-consignment", Self.version)]
        guard Self.size(needed) <= Self.mostMetadata else {
            throw DeliveryFailure(
                .quarantine, code: "metadata-too-large", attempt: attempt,
                cause: "the key takes \(key.value.utf8.count) bytes as metadata, and S3 takes \(Self.mostMetadata) in all",
                hint: "let the route's template give a shorter key")
        }
        return fitting(needed)
    }

    /// For the object in the inbox: what the partner may want to know.
    var inboxMetadata: [(name: String, value: String)] { fitting(common) }

    /// The original name goes along where there is room: the key carries one too.
    private func fitting(_ items: [(name: String, value: String)]) -> [(name: String, value: String)] {
        Self.size(items + [name]) <= Self.mostMetadata ? items + [name] : items
    }

    private static func size(_ items: [(name: String, value: String)]) -> Int {
        items.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }
}
