import FoundationEssentials
import PouchCrypto
import PouchKit

/// IAM Roles Anywhere: a session of a role for whoever has a certificate of a trust anchor.
package struct CertificateSessions: Sendable {
    private static let actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]

    private let identities: IdentityDirectory
    private let federation: Federation

    package init(identities: IdentityDirectory, federation: Federation) {
        self.identities = identities
        self.federation = federation
    }

    package func answer(_ request: IncomingRequest, body: [UInt8], notes: RequestNotes) throws(Refusal) -> Reply {
        guard request.method == "POST", request.rawPath == "/sessions" else {
            throw Refusal("ValidationException", 400, "there is only POST /sessions")
        }
        let claim = try CertificateClaim(request)
        notes.note { $0.caller = claim.leaf.subject }
        try claim.verify(request, body: body)
        let wish = try Wish(request, body)
        notes.note { $0.key = wish.roleArn }
        guard let anchor = federation.trustAnchors[wish.trustAnchorArn], let profile = federation.profiles[wish.profileArn],
            anchor.region == claim.scope.region, profile.settings.region == claim.scope.region
        else { throw Refusal("ResourceNotFoundException", 404, "no such trust anchor or profile in \(claim.scope.region)") }
        try check(claim, against: anchor, now: request.received)
        guard profile.settings.isEnabled else { throw Self.denied("the profile is disabled") }
        guard profile.roles.contains(wish.roleArn), let role = identities.role(wish.roleArn) else {
            throw Self.denied("the role is not in the profile")
        }
        guard wish.roleSessionName == nil || profile.settings.acceptsSessionName else {
            throw Self.denied("the profile does not accept a custom role session name")
        }
        let isTrusted = trusts(role, claim, wish.trustAnchorArn, request)
        notes.note { $0.permissions += Self.actions.map { $0 + (isTrusted ? "" : " refused") } }
        guard isTrusted else { throw Self.denied("the role's trust policy does not allow it") }
        return try session(of: role, for: claim, wish, profile, request.received)
    }

    private func check(_ claim: CertificateClaim, against anchor: Federation.TrustAnchor, now: Timestamp) throws(Refusal) {
        guard !claim.leaf.isAuthority, claim.leaf.maySign else {
            throw Self.denied("not an end-entity certificate with the key usage digitalSignature")
        }
        let path = CertificatePath(leaf: claim.leaf, intermediates: claim.intermediates)
        if let objection = path.objection(trusting: anchor.certificates, at: now) {
            throw Self.denied("Untrusted certificate. Insufficient certificate: \(objection)")
        }
    }

    private func trusts(
        _ role: IdentityDirectory.Role, _ claim: CertificateClaim, _ anchor: String, _ request: IncomingRequest
    ) -> Bool {
        var context = PolicyContext.of(request)
        context.set("aws:PrincipalTag/x509Subject/CN", claim.leaf.commonName)
        context.set("aws:SourceArn", anchor)
        context.set("aws:SourceAccount", role.account)
        return TrustQuestion(asker: .service("rolesanywhere.amazonaws.com"), actions: Self.actions, context: context)
            .isAllowed(by: role.settings.trust.document)
    }

    private func session(
        of role: IdentityDirectory.Role, for claim: CertificateClaim, _ wish: Wish, _ profile: Federation.Profile, _ now: Timestamp
    ) throws(Refusal) -> Reply {
        let seconds = min(wish.durationSeconds ?? 3_600, profile.settings.longestSession)
        let session: IdentityDirectory.SessionCredentials
        do {
            session = try identities.newSession(
                of: role, name: wish.roleSessionName ?? String(claim.leaf.serial.prefix(64)), policies: [], seconds: seconds,
                now: now,
                tags: claim.leaf.commonName.map { ["x509Subject/CN": $0] } ?? [:])
        } catch {
            throw .internalError("\(error)")
        }
        let document = Answer(
            credentialSet: [
                Answer.Element(
                    credentials: Answer.Keys(
                        accessKeyId: session.accessKey, secretAccessKey: session.secret.reveal(),
                        sessionToken: session.token.reveal(), expiration: WireTime.iso8601Seconds(session.expires)),
                    roleArn: role.arn)
            ], subjectArn: "arn:aws:rolesanywhere:\(claim.scope.region):\(role.account):subject/\(claim.leaf.serial)")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(document) else { throw .internalError("the answer cannot be written") }
        return Reply(201, headers: [("content-type", "application/json")], body: .bytes(Array(bytes)))
    }

    static func denied(_ text: String) -> Refusal { Refusal("AccessDeniedException", 403, text) }

    /// The ARNs stand in the body or, as AWS's own helper sends them, in the query.
    private struct Wish {
        let profileArn: String
        let roleArn: String
        let trustAnchorArn: String
        let roleSessionName: String?
        let durationSeconds: Int64?

        private struct Body: Decodable {
            let profileArn: String?
            let roleArn: String?
            let trustAnchorArn: String?
            let roleSessionName: String?
            let durationSeconds: Int64?
        }

        init(_ request: IncomingRequest, _ bytes: [UInt8]) throws(Refusal) {
            guard let body = try? JSONDecoder().decode(Body.self, from: Data(bytes)) else {
                throw Refusal("ValidationException", 400, "the body is not JSON of the right form")
            }
            guard let profile = body.profileArn ?? request.query["profileArn"], let role = body.roleArn ?? request.query["roleArn"],
                let anchor = body.trustAnchorArn ?? request.query["trustAnchorArn"]
            else { throw Refusal("ValidationException", 400, "profileArn, roleArn or trustAnchorArn is missing") }
            guard body.durationSeconds.map({ (900...43_200).contains($0) }) ?? true else {
                throw Refusal("ValidationException", 400, "durationSeconds must be between 900 and 43200")
            }
            profileArn = profile
            roleArn = role
            trustAnchorArn = anchor
            roleSessionName = body.roleSessionName
            durationSeconds = body.durationSeconds
        }
    }

    private struct Answer: Encodable {
        struct Element: Encodable {
            let credentials: Keys
            let roleArn: String
        }

        struct Keys: Encodable {
            let accessKeyId: String
            let secretAccessKey: String
            let sessionToken: String
            let expiration: String
        }

        let credentialSet: [Element]
        let subjectArn: String
    }
}
