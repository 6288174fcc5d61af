import FoundationEssentials
import PouchCrypto
package import PouchKit
import Synchronization

/// What tests may ask of the sandbox besides AWS's own calls, under `/_sandbox/`, with the token of the sandbox's folder:
///
/// - `GET objects`: everything that is stored, for a judge who must not rely on anybody's word.
/// - `GET count?bucket=NAME&prefix=…`: how many versions of objects lie there.
/// - `POST faults` (a `Fault`), `GET faults`, `DELETE faults`: things that are to go wrong; only where faults are allowed.
/// - `GET queues`: how many messages wait, how many are in flight, and with `?queue=NAME` what they say.
/// - `POST queues?queue=NAME` (`{"duplicateEvery": 20}`): every so many messages one lies there twice.
/// - `POST messages?queue=NAME`: a message with the body of the request, as anybody could send it who may; `DELETE`: all messages.
/// - `POST expire` (`{"role": ARN}` or `{}`): sessions given out so far count as expired.
package struct SandboxControl: Sendable {
    package static let prefix = "/_sandbox/"

    private let token: String
    private let store: ObjectStore
    private let faults: FaultBoard?
    private let identities: IdentityDirectory
    private let queues: QueueBoard
    private let clock: any AgentClock
    private let digests = DigestMemory()

    package init(
        token: String, store: ObjectStore, faults: FaultBoard?, identities: IdentityDirectory, queues: QueueBoard,
        clock: any AgentClock
    ) {
        self.token = token
        self.store = store
        self.faults = faults
        self.identities = identities
        self.queues = queues
        self.clock = clock
    }

    package func answer(_ request: IncomingRequest, body: IncomingBody) async -> Reply {
        guard ConstantTime.isEqual(request.headers["authorization"] ?? "", "Bearer \(token)") else {
            return Self.json(403, ["error": "the token of the sandbox's folder is needed"])
        }
        do {
            let path = request.rawPath.dropFirst(Self.prefix.count)
            switch (request.method, path) {
            case ("GET", "objects"): return Self.json(200, try await objects(bucket: request.query["bucket"]))
            case ("GET", "queues"): return Self.json(200, queueReports(of: request.query["queue"]))
            case ("POST", "queues"):
                guard let queue = queue(of: request) else { break }
                let wish = try await Self.decode(Duplication.self, body)
                queues.duplicate(every: wish.duplicateEvery, in: queue)
                return Self.json(200, ["duplicateEvery": wish.duplicateEvery])
            case ("POST", "messages"):
                guard let queue = queue(of: request) else { break }
                let text = String(decoding: try await SandboxEndpoint.smallBody(body), as: UTF8.self)
                return Self.json(200, ["id": queues.send(text, to: queue, at: clock.now)])
            case ("DELETE", "messages"):
                guard let queue = queue(of: request) else { break }
                _ = queues.change(queue) { $0 = MessageQueue() }
                return Self.json(200, ["messages": "none"])
            case ("GET", "count"):
                let (bucket, prefix) = (request.query["bucket"] ?? "", request.query["prefix"] ?? "")
                let count = store.everything().count { $0.bucket == bucket && $0.key.bytes.starts(with: prefix.utf8) }
                return Self.json(200, ["count": count])
            case ("POST", "expire"):
                let wish = try await Self.decode(Expiry.self, body)
                identities.expireSessions(of: wish.role, now: request.received)
                return Self.json(200, ["expired": wish.role ?? "all"])
            case (_, "faults"):
                guard let faults else { return Self.json(403, ["error": "faults are switched off"]) }
                switch request.method {
                case "GET": return Self.json(200, faults.current)
                case "POST": return Self.json(200, ["id": faults.add(try await Self.decode(Fault.self, body))])
                case "DELETE":
                    faults.removeAll()
                    return Self.json(200, ["faults": "none"])
                default: break
                }
            default: break
            }
            return Self.json(404, ["error": "no such thing: \(request.method) \(request.rawPath)"])
        } catch {
            return Self.json(400, ["error": "\(error)"])
        }
    }

    private struct Expiry: Decodable { let role: String? }

    private struct Duplication: Decodable { let duplicateEvery: Int }

    private func queue(of request: IncomingRequest) -> QueueBoard.Queue? {
        queues.queues.values.first { $0.settings.name == request.query["queue"] }
    }

    private struct QueueReport: Encodable {
        let name: String
        let account: String
        let waiting: Int
        let inFlight: Int
        let messages: [String]?
    }

    /// - Parameter name: of the queue whose messages are shown.
    private func queueReports(of name: String?) -> [QueueReport] {
        queues.queues.values.filter { queue in name.map { $0 == queue.settings.name } ?? true }.map { queue in
            let contents = queues.contents(of: queue)
            return QueueReport(
                name: queue.settings.name, account: queue.account, waiting: contents.waitingCount, inFlight: contents.inFlightCount,
                messages: name == nil ? nil : contents.all.map(\.body))
        }.sorted { $0.name < $1.name }
    }

    private struct Exhibit: Encodable, Sendable {
        let bucket: String
        let key: String
        let version: String
        let isLatest: Bool
        let isDeleteMarker: Bool
        let size: Int64
        let sha256: String?
        let owner: String
        let writer: String
        let keyARN: String?
        let encryption: String
        let etag: String
        let checksum: ObjectChecksum?
        let metadata: [String: String]
        let contentType: String?
        let modified: String
    }

    private func objects(bucket: String?) async throws -> [Exhibit] {
        var exhibits: [Exhibit] = []
        var previous: (String, ObjectKey)?
        for object in store.everything() where bucket.map({ $0 == object.bucket }) ?? true {
            let isLatest = previous.map { $0 != (object.bucket, object.key) } ?? true
            previous = (object.bucket, object.key)
            exhibits.append(
                Exhibit(
                    bucket: object.bucket, key: object.key.text, version: object.version, isLatest: isLatest,
                    isDeleteMarker: object.isDeleteMarker, size: object.size,
                    sha256: object.isDeleteMarker ? nil : try await digests.sha256(of: object.body, in: store),
                    owner: object.owner, writer: object.writer, keyARN: object.attributes.encryption.keyARN,
                    encryption: Self.name(of: object.attributes.encryption), etag: object.etag, checksum: object.checksum,
                    metadata: object.attributes.metadata, contentType: object.attributes.systemHeaders["content-type"],
                    modified: object.modified.description))
        }
        return exhibits
    }

    private static func name(of encryption: ObjectEncryption) -> String {
        switch encryption {
        case .none: "none"
        case .aes256: "AES256"
        case .kms: "aws:kms"
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ body: IncomingBody) async throws -> Value {
        let bytes = try await SandboxEndpoint.smallBody(body)
        return try JSONDecoder().decode(type, from: Data(bytes.isEmpty ? Array("{}".utf8) : bytes))
    }

    private static func json(_ status: Int, _ value: some Encodable) -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard let bytes = try? encoder.encode(value) else { return Reply(500) }
        return Reply(status, headers: [("content-type", "application/json")], body: .bytes(Array(bytes)))
    }
}

/// SHA-256 of what is stored, computed from the files when a judge first asks and remembered: bodies never change.
private final class DigestMemory: Sendable {
    private let known = Mutex<[StoredBody: String]>([:])

    func sha256(of body: StoredBody, in store: ObjectStore) async throws -> String {
        if let digest = known.withLock({ $0[body] }) { return digest }
        let digest = Hexadecimal.text(of: try await store.lend(body) { try await store.checksum(of: body, by: .sha256) })
        known.withLock { $0[body] = digest }
        return digest
    }
}
