import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox

/// The sandbox's two organisations, seen from outside: a destination that delivers to org B, the sandbox's own account of what lies
/// where, and faults.
struct TwoOrganisations: Sendable {
    struct Exhibit: Decodable {
        let bucket: String
        let key: String
        let isLatest: Bool
        let size: Int64
        let sha256: String?
        let owner: String
        let keyARN: String?
        let encryption: String
        let metadata: [String: String]
    }

    /// A line of the sandbox's request log.
    struct LogLine: Decodable {
        struct KeyCheck: Decodable { let action: String }

        let service: String
        let caller: String?
        let action: String
        let key: String?
        let status: Int?
        let kms: [KeyCheck]
        let expectedOwner: String?
        let sourceExpectedOwner: String?
    }

    static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    let folder: String
    /// What lies there, without a request in between.
    let store: ObjectStore
    let engine: HTTPEngine
    let link: AWSLink
    let files: TemporaryFolder
    private let url: String
    private let token: String

    init(folder: String, store: ObjectStore, port: Int, clock: any AgentClock = SystemClock()) throws {
        self.folder = folder
        self.store = store
        url = "https://127.0.0.1:\(port)"
        engine = HTTPEngine(network: HTTPNetwork(caFile: folder + "/ca.pem"))
        link = AWSLink(transport: engine, clock: clock, jitter: { 0 })
        files = try TemporaryFolder("drops")
        token = try String(decoding: Data(contentsOf: URL(filePath: folder + "/token")), as: UTF8.self)
            .split(separator: "\n").joined()
    }

    func plan(_ change: (inout S3SecureInboxSettings) -> Void = { _ in }) throws -> InboxPlan {
        var settings = try Settings.sample()
        settings.inbox?.key = Self.key
        change(&settings)
        let (plan, problems) = settings.checked(knowing: Settings.identities, endpoint: try EndpointURL(url))
        guard let plan else { throw problems[0] }
        return plan
    }

    /// - Parameter other: whose places sessions are narrowed to; `nil`: to none.
    func destination(
        narrowedTo other: InboxPlan? = nil, _ change: (inout S3SecureInboxSettings) -> Void = { _ in }
    ) throws -> S3SecureInbox {
        let plan = try plan(change)
        let publisher = plan.inbox == nil ? nil : try party("publisher", policy: other?.publishPolicy)
        return S3SecureInbox(
            plan: plan, generator: try party("generator", policy: other?.storePolicy), publisher: publisher, link: link,
            services: S3SecureInbox.Services(sts: try EndpointURL(url), kms: try EndpointURL(url)))
    }

    func party(_ name: String, policy: String? = nil) throws -> S3SecureInbox.Party {
        let role = try RoleARN("arn:aws:iam::111111111111:role/\(name)")
        let credentials = RefreshingCredentials.role(
            STS.RoleRequest(role: role, sessionName: "pouch", policy: policy),
            from: CredentialsFile(path: folder + "/credentials", section: "edge"), region: try Region("eu-west-1"),
            endpoint: try EndpointURL(url), link: link)
        return S3SecureInbox.Party(name: try IdentityName(name), credentials: credentials, role: role)
    }

    /// Stores an object of nobody's delivery in the inbox.
    func occupy(_ key: String, with bytes: [UInt8]) async throws {
        let stranger = try TestFile(bytes, in: files)
        var attributes = PouchAWS.ObjectAttributes(key: try KeyARN(Self.key))
        attributes.isCreateOnly = true
        let inbox = BucketPlace(
            name: try BucketName("acme-inbox"), region: try Region("eu-west-1"), owner: try AccountID("222222222222"),
            endpoint: try EndpointURL(url))
        let put = PutObject(
            bucket: inbox, key: key, body: .bytes(bytes), digests: PartDigests(try await stranger.outgoing().digests()),
            attributes: attributes)
        _ = try await S3(credentials: party("publisher").credentials, link: link).putObject(put)
    }

    func file(_ text: String, name: String = "report.csv") throws -> TestFile {
        try TestFile(Array(text.utf8), in: files, name: name)
    }

    // MARK: The sandbox's word

    func inbox() async throws -> [Exhibit] {
        let answer = try await control("GET", "objects?bucket=acme-inbox")
        return try JSONDecoder().decode([Exhibit].self, from: Data(answer))
    }

    func add(_ fault: String) async throws { _ = try await control("POST", "faults", fault) }

    func removeFaults() async throws { _ = try await control("DELETE", "faults") }

    func expireSessions() async throws { _ = try await control("POST", "expire", "{}") }

    func log() throws -> [LogLine] {
        let data = try Data(contentsOf: URL(filePath: folder + "/requests.jsonl"))
        return data.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONDecoder().decode(LogLine.self, from: $0) }
    }

    func control(_ method: String, _ path: String, _ body: String = "") async throws -> [UInt8] {
        let response = try await engine.send(
            HTTPRequest(
                method: method, url: "\(url)/_sandbox/\(path)",
                headers: [("authorization", "Bearer \(token)"), ("content-type", "application/json")],
                body: body.isEmpty ? .none : .bytes(Array(body.utf8))))
        guard response.status == 200 else {
            throw HTTPFailure(kind: .badAnswer, outcome: .unknown, text: String(decoding: response.body, as: UTF8.self))
        }
        return response.body
    }
}
