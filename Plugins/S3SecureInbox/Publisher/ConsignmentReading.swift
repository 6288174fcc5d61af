import PouchAWS
import PouchKit

/// Why an object in the repository is not to be published.
struct NotAConsignment: Error, Hashable {
    /// A stable word for alerts.
    let code: String
    let cause: String
}

extension Consignment {
    /// Reads what an object says about itself; `docs/consignment.md` is the contract. Nothing is taken on trust that would decide where a
    /// file goes.
    init(metadata: [String: String]) throws(NotAConsignment) {
        guard let version = metadata["pouch-consignment"] else {
            throw NotAConsignment(code: "no-consignment", cause: "its metadata has no pouch-consignment")
        }
        guard let form = ConsignmentForm(rawValue: version) else {
            throw NotAConsignment(
                code: "consignment-version",
                cause: "it is a consignment of version \(VisibleText.escaped(String(version.prefix(20)))), and 1 and 2 are known")
        }
        self.form = form
        let fields = Fields(metadata)
        publish =
            metadata[Self.publishName] == nil
            ? .here
            : try fields.optional(Self.publishName, "here or elsewhere") { S3SecureInboxSettings.Publisher(rawValue: $0) }
        delivery = try fields.value(Self.deliveryName) { text throws(NameError) in try DeliveryID(text) }
        partner = try fields.value("pouch-partner") { text throws(NameError) in try PartnerName(text) }
        route = try fields.value("pouch-route") { text throws(NameError) in try RouteName(text) }
        agent = String(decoding: try fields.decoded("pouch-agent"), as: UTF8.self)
        let bytes = try fields.decoded("pouch-key")
        guard let text = String(validating: bytes, as: UTF8.self) else { throw fields.refusal("pouch-key", "a key in UTF-8") }
        do throws(NameError) {
            key = try DeliveryKey(text)
        } catch {
            throw fields.refusal("pouch-key", error.expectation)
        }
        name = metadata["pouch-name"] == nil ? nil : try fields.decoded("pouch-name")
        size = try fields.optional("pouch-size", "a number of bytes") { Int64($0).flatMap { $0 >= 0 ? $0 : nil } }
        digests = FileDigests(
            sha256: try fields.optional("pouch-sha256", "64 hexadecimal digits") { SHA256Digest(hexadecimal: $0) },
            crc64nvme: try fields.optional("pouch-crc64nvme", "base64 of eight bytes") { CRC64NVME(base64: $0) })
    }

    private struct Fields {
        let metadata: [String: String]

        init(_ metadata: [String: String]) { self.metadata = metadata }

        func text(_ name: String) throws(NotAConsignment) -> String {
            guard let text = metadata[name] else { throw refusal(name, "a value") }
            return text
        }

        func value<Value>(
            _ name: String, _ make: (String) throws(NameError) -> Value
        ) throws(NotAConsignment) -> Value {
            let text = try text(name)
            do throws(NameError) {
                return try make(text)
            } catch {
                throw refusal(name, error.expectation)
            }
        }

        func optional<Value>(
            _ name: String, _ expectation: String, _ make: (String) -> Value?
        ) throws(NotAConsignment) -> Value {
            guard let value = make(try text(name)) else { throw refusal(name, expectation) }
            return value
        }

        func decoded(_ name: String) throws(NotAConsignment) -> [UInt8] {
            try optional(name, "text with %XX") { PercentEncoding.decoded($0) }
        }

        func refusal(_ name: String, _ expectation: String) -> NotAConsignment {
            let found = metadata[name].map { "'\(VisibleText.escaped(String($0.prefix(100))))'" } ?? "nothing"
            return NotAConsignment(code: "bad-consignment", cause: "its \(name) is to be \(expectation), and is \(found)")
        }
    }
}

/// Where an object lies in the repository, told from its key: `<prefix><delivery id>/<name>`.
enum RepositoryPlace: Equatable {
    case consignment(DeliveryID)
    /// Our own: receipts, what doctor left, segments, whose index is the consignment.
    case reserved
    case foreign

    /// What Pouch keeps below the prefix for itself begins so.
    static let reservedStart = ".pouch-"
    private static let segments = ".segments/"

    init(key: String, prefix: String) {
        let rest = key.utf8.dropFirst(prefix.utf8.count)
        guard key.utf8.starts(with: prefix.utf8) else {
            self = .foreign
            return
        }
        let parts = rest.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        if rest.starts(with: Self.reservedStart.utf8) {
            self = .reserved
        } else if parts.count == 2, parts[1].starts(with: Self.segments.utf8) {
            self = .reserved
        } else if parts.count == 2, !parts[1].isEmpty, let id = try? DeliveryID(String(parts[0]) ?? "") {
            self = .consignment(id)
        } else {
            self = .foreign
        }
    }
}
