import FoundationEssentials
import PouchKit

/// What a message of the queue turned out to be.
package enum EventMessage: Hashable, Sendable {
    /// New objects. Events of other kinds (removals, restores) are left out: there may be none left.
    case objects([ObjectNotice])
    /// What S3 sends once when a notification is set up.
    case test
    /// Nothing that S3 sends, directly, through SNS or through EventBridge; or of a version that is not known here.
    case unreadable(reason: String)

    /// - Parameter body: As it lies in the queue.
    package init(body: String) { self = Self.read(Array(body.utf8), depth: 0) }

    /// SNS wraps once, and SNS that feeds SNS is not a thing; a message that claims more is a forgery or a mistake.
    private static let deepestWrapping = 1

    private static func read(_ body: [UInt8], depth: Int) -> EventMessage {
        let envelope: Envelope
        do {
            envelope = try JSONDecoder().decode(Envelope.self, from: Data(body))
        } catch {
            return .unreadable(reason: "it is not the JSON of an event: \(Self.text(of: error))")
        }
        if envelope.type == "Notification", let message = envelope.message {
            guard depth < deepestWrapping else { return .unreadable(reason: "it is wrapped more than once") }
            return read(Array(message.utf8), depth: depth + 1)
        }
        if envelope.event == "s3:TestEvent", envelope.service == "Amazon S3" { return .test }
        if let records = envelope.records { return read(records) }
        if envelope.source == "aws.s3" { return read(bridged: envelope) }
        return .unreadable(reason: "it has neither Records nor the source aws.s3")
    }

    // MARK: S3's own form

    private static func read(_ records: [Record]) -> EventMessage {
        var notices: [ObjectNotice] = []
        for (index, record) in records.enumerated() {
            let place = "record \(index)"
            guard record.source == "aws:s3" else { return .unreadable(reason: "\(place) is not of aws:s3") }
            // A later minor version adds fields; another major one may mean something else by those that we read.
            guard record.version?.split(separator: ".").first == "2" else {
                let version = VisibleText.escaped(String((record.version ?? "none").prefix(20)))
                return .unreadable(reason: "\(place) has the version \(version), and 2.x is known")
            }
            guard record.name?.hasPrefix("ObjectCreated:") == true || record.name?.hasPrefix("s3:ObjectCreated:") == true else {
                continue
            }
            guard let bucket = record.s3?.bucket?.name, let object = record.s3?.object, let encoded = object.key else {
                return .unreadable(reason: "\(place) names no object")
            }
            guard let key = formDecoded(encoded) else { return .unreadable(reason: "\(place) has a key that cannot be decoded") }
            notices.append(
                ObjectNotice(
                    bucket: bucket, key: key, versionID: named(object.versionID), sequencer: object.sequencer.map(Sequencer.init)))
        }
        return .objects(notices)
    }

    /// As in a form: `+` is a space. AWS leaves `/` as it is, others write `%2F`.
    private static func formDecoded(_ text: String) -> String? {
        guard let bytes = PercentEncoding.decoded(text.replacing("+", with: " ")), !bytes.isEmpty else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Services without versions send an empty text.
    private static func named(_ version: String?) -> String? { version.flatMap { $0.isEmpty ? nil : $0 } }

    // MARK: EventBridge's form

    private static func read(bridged event: Envelope) -> EventMessage {
        guard event.detailType == "Object Created" else { return .objects([]) }
        guard let bucket = event.detail?.bucket?.name, let object = event.detail?.object, let key = object.key, !key.isEmpty else {
            return .unreadable(reason: "its detail names no object")
        }
        // Not encoded here.
        return .objects([
            ObjectNotice(
                bucket: bucket, key: key, versionID: named(object.bridgedVersionID),
                sequencer: object.sequencer.map(Sequencer.init))
        ])
    }

    private static func text(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it cannot be read" }
        switch error {
        case .dataCorrupted: return "it is not JSON"
        case .keyNotFound, .typeMismatch, .valueNotFound: return "a field is not of the expected type"
        @unknown default: return "it cannot be read"
        }
    }
}

/// The fields that we read of all forms; others are ignored.
private struct Envelope: Decodable {
    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case message = "Message"
        case service = "Service"
        case event = "Event"
        case records = "Records"
        case source
        case detailType = "detail-type"
        case detail
    }

    let type: String?
    let message: String?
    let service: String?
    let event: String?
    let records: [Record]?
    let source: String?
    let detailType: String?
    let detail: Entity?
}

private struct Record: Decodable {
    enum CodingKeys: String, CodingKey {
        case version = "eventVersion"
        case source = "eventSource"
        case name = "eventName"
        case s3
    }

    let version: String?
    let source: String?
    let name: String?
    let s3: Entity?
}

private struct Entity: Decodable {
    struct Bucket: Decodable { let name: String? }

    struct Object: Decodable {
        enum CodingKeys: String, CodingKey {
            case key, sequencer
            case versionID = "versionId"
            case bridgedVersionID = "version-id"
        }

        let key: String?
        let sequencer: String?
        let versionID: String?
        let bridgedVersionID: String?
    }

    let bucket: Bucket?
    let object: Object?
}
