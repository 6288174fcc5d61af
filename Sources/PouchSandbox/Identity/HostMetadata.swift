import FoundationEssentials
import PouchCrypto
import PouchKit
import Synchronization

/// What the machine below a workload answers: the metadata service of an instance, version 2 only, and the agent of a container.
package final class HostMetadata: Sendable {
    private static let roleFolder = "/latest/meta-data/iam/security-credentials/"

    private let identities: IdentityDirectory
    private let federation: Federation
    /// By session token of the metadata service: until when it is good.
    private let tokens = Mutex<[String: Timestamp]>([:])

    package init(identities: IdentityDirectory, federation: Federation) {
        self.identities = identities
        self.federation = federation
    }

    func isAsked(_ request: IncomingRequest) -> Bool {
        request.rawPath.hasPrefix("/latest/") || federation.tasks[request.rawPath] != nil
    }

    func answer(_ request: IncomingRequest, notes: RequestNotes) throws(Refusal) -> Reply {
        if let task = federation.tasks[request.rawPath] {
            notes.note { $0.action = "GetTaskCredentials" }
            let shown = request.headers["authorization"]
            guard task.token.map({ ConstantTime.isEqual(shown ?? "", $0.reveal()) }) ?? true else {
                throw Refusal("AccessDeniedException", shown == nil ? 401 : 403, "the authorization token is not the task's")
            }
            return try credentials(of: task.role, as: "ecs-tasks.amazonaws.com", request, notes)
        }
        // A request that came through a proxy may be somebody else's.
        guard !request.headers.contains("x-forwarded-for") else { throw Refusal("Forbidden", 403, "Forbidden") }
        if request.method == "PUT", request.rawPath == "/latest/api/token" { return try token(request, notes) }
        guard let token = request.headers["x-aws-ec2-metadata-token"],
            let end = tokens.withLock({ $0[token] }), request.received < end
        else { throw Refusal("Unauthorized", 401, "Unauthorized") }
        guard request.method == "GET", request.rawPath.hasPrefix(Self.roleFolder), let role = federation.instanceRole else {
            throw Refusal("NotFound", 404, "Not Found")
        }
        let name = role.split(separator: "/").last.map(String.init) ?? ""
        switch request.rawPath.dropFirst(Self.roleFolder.count) {
        case "":
            notes.note { $0.action = "GetInstanceRole" }
            return Reply(200, headers: [("content-type", "text/plain")], body: .bytes(Array(name.utf8)))
        case name[...]:
            notes.note { $0.action = "GetInstanceCredentials" }
            return try credentials(of: role, as: "ec2.amazonaws.com", request, notes)
        default: throw Refusal("NotFound", 404, "Not Found")
        }
    }

    private func token(_ request: IncomingRequest, _ notes: RequestNotes) throws(Refusal) -> Reply {
        notes.note { $0.action = "GetMetadataToken" }
        guard let seconds = request.headers["x-aws-ec2-metadata-token-ttl-seconds"].flatMap({ Int64($0) }),
            (1...21_600).contains(seconds)
        else { throw Refusal("BadRequest", 400, "Bad Request") }
        let token = SandboxSecrets.randomHex(28)
        let end = request.received.advanced(by: .seconds(seconds))
        tokens.withLock { tokens in
            tokens = tokens.filter { $0.value > request.received }
            tokens[token] = end
        }
        return Reply(200, headers: [("content-type", "text/plain")], body: .bytes(Array(token.utf8)))
    }

    private func credentials(
        of arn: String, as service: String, _ request: IncomingRequest, _ notes: RequestNotes
    ) throws(Refusal) -> Reply {
        notes.note { $0.key = arn }
        let question = TrustQuestion(asker: .service(service), actions: ["sts:AssumeRole"], context: PolicyContext.of(request))
        guard let role = identities.role(arn), question.isAllowed(by: role.settings.trust.document) else {
            return Self.json(["Code": "AssumeRoleUnauthorizedAccess", "Message": "\(service) cannot assume \(arn)"])
        }
        let session: IdentityDirectory.SessionCredentials
        do {
            session = try identities.newSession(
                of: role, name: "sandbox", policies: [], seconds: role.settings.longestSession, now: request.received)
        } catch {
            throw .internalError("\(error)")
        }
        return Self.json([
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": session.accessKey, "SecretAccessKey": session.secret.reveal(),
            "Token": session.token.reveal(), "Expiration": WireTime.iso8601Seconds(session.expires), "RoleArn": arn,
        ])
    }

    private static func json(_ document: [String: String]) -> Reply {
        let bytes = (try? JSONEncoder().encode(document)).map { Array($0) } ?? []
        return Reply(200, headers: [("content-type", "application/json")], body: .bytes(bytes))
    }
}
