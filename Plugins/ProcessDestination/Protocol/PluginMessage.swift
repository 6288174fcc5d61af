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

    /// Why a line is none of ours; not the line, in which secrets may stand.
    struct Unreadable: Error, Hashable {
        let text: String
    }

    static let longestCheckpoint = 32 << 10
    private static let mostFacts = 64
    private static let longestFact = 1_024
    private static let mostFindings = 256

    /// - Throws: `Unreadable`.
    init(line: [UInt8]) throws(Unreadable) {
        do { self = try JSONDecoder().decode(PluginMessage.self, from: Data(line)) } catch let wrong as Wrong {
            throw Unreadable(text: wrong.text + " in")
        } catch {
            throw Unreadable(text: "not a message:")
        }
    }
}

/// Only the fields of a message's own type are looked at: others may be of any later version.
extension PluginMessage: Decodable {
    private enum Field: String, CodingKey {
        case type, id, name, parallel, field, text, hint, findings, state, key, size, sha256, location, confirmation, facts, bytes
        case checkpoint, ready, `class`, retryAfter, code
        case version = "protocol"
    }

    private struct Fields {
        let fields: KeyedDecodingContainer<Field>

        func given<Value: Decodable>(_ field: Field) throws -> Value {
            guard let value: Value = try known(field) else { throw Wrong(text: "no \(field.rawValue)") }
            return value
        }

        func known<Value: Decodable>(_ field: Field) throws -> Value? { try fields.decodeIfPresent(Value.self, forKey: field) }
    }

    /// What is missing, or too much.
    private struct Wrong: Error {
        let text: String
    }

    private struct FindingFields: Decodable {
        let severity: Finding.Severity
        let text: String
        let hint: String?
    }

    init(from decoder: any Decoder) throws {
        let fields = Fields(fields: try decoder.container(keyedBy: Field.self))
        id = try fields.given(.id)
        content = try Self.content(of: fields.given(.type), fields)
    }

    private static func content(of type: String, _ fields: Fields) throws -> Content {
        switch type {
        case "hello":
            .hello(
                version: try fields.given(.version), name: try fields.given(.name),
                parallel: min(max(try fields.known(.parallel) ?? 1, 1), 64))
        case "configured": .configured
        case "invalid": .invalid(field: try fields.known(.field), text: try fields.given(.text))
        case "findings": .findings(try findings(fields))
        case "presence": .presence(try presence(fields))
        case "progress": .progress(try fields.given(.bytes))
        case "checkpoint": .checkpoint(data: try checkpoint(fields), ready: try fields.known(.ready))
        case "done": .done(try arrival(fields))
        case "handed-over": .handedOver(data: try checkpoint(fields), try arrival(fields))
        case "failed":
            .failed(
                Failed(
                    type: try fields.given(.class), retryAfter: try fields.known(.retryAfter), code: try fields.given(.code),
                    text: try fields.given(.text), hint: try fields.known(.hint)))
        case "abandoned": .abandoned
        case "pong": .pong
        case "unsupported": .unsupported
        default: throw Wrong(text: "an unknown type")
        }
    }

    private static func findings(_ fields: Fields) throws -> [Finding] {
        let findings: [FindingFields] = try fields.given(.findings)
        guard findings.count <= mostFindings else { throw Wrong(text: "more than \(mostFindings) findings") }
        return findings.map { Finding($0.severity, $0.text, hint: $0.hint) }
    }

    private static func presence(_ fields: Fields) throws -> Presence {
        let state: String? = try fields.known(.state)
        return switch state {
        case "present": .present(try arrival(fields))
        case "absent": .absent
        case "unknown": .unknown(try fields.known(.text))
        default: throw Wrong(text: "no state that is present, absent or unknown")
        }
    }

    private static func checkpoint(_ fields: Fields) throws -> String {
        let data: String = try fields.given(.checkpoint)
        guard data.utf8.count <= longestCheckpoint else {
            throw Wrong(text: "a checkpoint of more than \(longestCheckpoint) bytes")
        }
        return data
    }

    private static func arrival(_ fields: Fields) throws -> Arrival {
        guard let key = try? DeliveryKey(try fields.given(.key)) else { throw Wrong(text: "no key") }
        let facts: [String: String] = try fields.known(.facts) ?? [:]
        guard facts.count <= mostFacts, facts.allSatisfy({ $0.key.utf8.count + $0.value.utf8.count <= longestFact }) else {
            throw Wrong(text: "more than \(mostFacts) facts, or one of more than \(longestFact) bytes")
        }
        // They stand in records and on terminals.
        guard facts.keys.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(belongsInFactName) }) else {
            throw Wrong(text: "a fact whose name is not made of letters, digits, '_', '.' and '-'")
        }
        let (size, sha256): (Int64?, SHA256Digest?) = (try fields.known(.size), try fields.known(.sha256))
        return Arrival(
            key: key, sent: size.flatMap { size in sha256.map { Sent(size: size, sha256: $0) } },
            location: try fields.known(.location), confirmation: try fields.known(.confirmation), facts: facts)
    }

    private static func belongsInFactName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "_.-".utf8.contains(byte)
        }
    }
}
