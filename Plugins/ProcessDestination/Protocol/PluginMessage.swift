import FoundationEssentials
import PouchKit

/// What a plugin says, one line each, checked as far as one line can be.
struct PluginMessage: Hashable, Sendable {
    /// The request that it belongs to.
    let id: Int
    let content: Content

    enum Content: Hashable, Sendable {
        case hello(version: Int, name: String, parallel: Int)
        case configured
        case invalid(field: String?, text: String)
        case findings([Finding])
        case presence(Presence)
        case progress(Int64)
        case checkpoint(data: String, ready: Sent?)
        case done(Arrival)
        case handedOver(data: String, Arrival)
        case failed(Failed)
        case abandoned
        case pong
        case unsupported
    }

    enum Presence: Hashable, Sendable {
        case present(Arrival)
        case absent
        case unknown(String?)
    }

    /// What was read of the file and lies at the far end, or is about to.
    struct Sent: Hashable, Sendable, Decodable {
        let size: Int64
        let sha256: SHA256Digest
    }

    /// What is there now, as the far end says.
    struct Arrival: Hashable, Sendable {
        let key: DeliveryKey
        let sent: Sent?
        let location: String?
        let confirmation: Receipt.Confirmation?
        let facts: [String: String]
    }

    struct Failed: Hashable, Sendable {
        enum Class: String, Hashable, Sendable, Decodable {
            case retry, throttle, hold, quarantine, cancelled
            case sourceChanged = "source-changed"
        }

        let type: Class
        let retryAfter: Double?
        let code: String
        let text: String
        let hint: String?
    }

    /// Why a line is none of ours.
    struct Unreadable: Error, Hashable {
        let text: String
    }

    static let longestCheckpoint = 32 << 10
    private static let mostFacts = 64
    private static let longestFact = 1_024
    private static let mostFindings = 256

    /// - Throws: `Unreadable`.
    init(line: [UInt8]) throws(Unreadable) {
        let fields: Fields
        do { fields = try JSONDecoder().decode(Fields.self, from: Data(line)) } catch {
            throw Unreadable(text: "not a message: " + Self.shown(line))
        }
        id = fields.id
        do throws(Missing) { content = try Self.content(fields) } catch {
            throw Unreadable(text: "\(error.text) in " + Self.shown(line))
        }
    }

    /// The beginning of a line, for people.
    static func shown(_ line: [UInt8]) -> String {
        "'" + VisibleText.escaped(Array(line.prefix(200))) + (line.count > 200 ? "…'" : "'")
    }

    private struct Missing: Error {
        let text: String
    }

    private struct Fields: Decodable {
        let type: String
        let id: Int
        let `protocol`: Int?
        let name: String?
        let parallel: Int?
        let field: String?
        let text: String?
        let hint: String?
        let findings: [FindingFields]?
        let state: String?
        let key: String?
        let size: Int64?
        let sha256: SHA256Digest?
        let location: String?
        let confirmation: Receipt.Confirmation?
        let facts: [String: String]?
        let bytes: Int64?
        let checkpoint: String?
        let ready: Sent?
        let `class`: Failed.Class?
        let retryAfter: Double?
        let code: String?
    }

    private struct FindingFields: Decodable {
        let severity: Finding.Severity
        let text: String
        let hint: String?
    }

    private static func content(_ fields: Fields) throws(Missing) -> Content {
        switch fields.type {
        case "hello":
            return .hello(
                version: try given(fields.protocol, "protocol"), name: try given(fields.name, "name"),
                parallel: min(max(fields.parallel ?? 1, 1), 64))
        case "configured": return .configured
        case "invalid": return .invalid(field: fields.field, text: try given(fields.text, "text"))
        case "findings":
            let findings = try given(fields.findings, "findings")
            guard findings.count <= mostFindings else { throw Missing(text: "more than \(mostFindings) findings") }
            return .findings(findings.map { Finding($0.severity, $0.text, hint: $0.hint) })
        case "presence": return .presence(try presence(fields))
        case "progress": return .progress(try given(fields.bytes, "bytes"))
        case "checkpoint": return .checkpoint(data: try checkpoint(fields), ready: fields.ready)
        case "done": return .done(try arrival(fields))
        case "handed-over": return .handedOver(data: try checkpoint(fields), try arrival(fields))
        case "failed":
            return .failed(
                Failed(
                    type: try given(fields.class, "class"), retryAfter: fields.retryAfter, code: try given(fields.code, "code"),
                    text: try given(fields.text, "text"), hint: fields.hint))
        case "abandoned": return .abandoned
        case "pong": return .pong
        case "unsupported": return .unsupported
        default: throw Missing(text: "an unknown type")
        }
    }

    private static func presence(_ fields: Fields) throws(Missing) -> Presence {
        switch fields.state {
        case "present": .present(try arrival(fields))
        case "absent": .absent
        case "unknown": .unknown(fields.text)
        default: throw Missing(text: "no state that is present, absent or unknown")
        }
    }

    private static func checkpoint(_ fields: Fields) throws(Missing) -> String {
        let data = try given(fields.checkpoint, "checkpoint")
        guard data.utf8.count <= longestCheckpoint else {
            throw Missing(text: "a checkpoint of more than \(longestCheckpoint) bytes")
        }
        return data
    }

    private static func arrival(_ fields: Fields) throws(Missing) -> Arrival {
        guard let key = fields.key.flatMap({ try? DeliveryKey($0) }) else { throw Missing(text: "no key") }
        let facts = fields.facts ?? [:]
        guard facts.count <= mostFacts, facts.allSatisfy({ $0.key.utf8.count + $0.value.utf8.count <= longestFact }) else {
            throw Missing(text: "more than \(mostFacts) facts, or one of more than \(longestFact) bytes")
        }
        let sent = fields.size.flatMap { size in fields.sha256.map { Sent(size: size, sha256: $0) } }
        return Arrival(
            key: key, sent: sent, location: fields.location, confirmation: fields.confirmation, facts: facts)
    }

    private static func given<Value>(_ value: Value?, _ name: String) throws(Missing) -> Value {
        guard let value else { throw Missing(text: "no \(name)") }
        return value
    }
}
