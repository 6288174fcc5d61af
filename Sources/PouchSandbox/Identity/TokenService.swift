import FoundationEssentials
import PouchKit

/// STS: who am I, and may I become somebody else?
package struct TokenService: Sendable {
    let identities: IdentityDirectory
    let federation: Federation

    package init(identities: IdentityDirectory, federation: Federation) {
        self.identities = identities
        self.federation = federation
    }

    package func answer(
        _ form: QueryParameters, request: IncomingRequest, caller: Caller, notes: RequestNotes, requestID: String
    ) throws(Refusal) -> Reply {
        switch form["Action"] {
        case "GetCallerIdentity":
            return reply("GetCallerIdentity", requestID) { result in
                result.add("Arn", caller.arn)
                result.add("UserId", caller.userID)
                result.add("Account", caller.account)
            }
        case "AssumeRole": return try assumeRole(form, request: request, caller: caller, notes: notes, requestID: requestID)
        case .some(let action): throw Refusal("InvalidAction", 400, "Could not find operation \(action) for version 2011-06-15")
        case nil: throw Refusal("MissingAction", 400, "The request must contain the parameter Action.")
        }
    }

    private func assumeRole(
        _ form: QueryParameters, request: IncomingRequest, caller: Caller, notes: RequestNotes, requestID: String
    ) throws(Refusal) -> Reply {
        let known = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy"]
        try refuseUnknown(form) { known.contains($0) || $0.hasPrefix("Tags.member.") }
        let arn = form["RoleArn"] ?? ""
        notes.note { $0.key = arn }
        guard arn.utf8.count >= 20 else {
            throw invalid("1 validation error detected: Value '\(arn)' at 'roleArn' is not a role's ARN")
        }
        let name = try sessionName(form)
        let tags = try SessionTags(form)
        let denied = Refusal(
            "AccessDenied", 403, "User: \(caller.arn) is not authorized to perform: sts:AssumeRole on resource: \(arn)")
        guard let role = identities.role(arn) else { throw denied }
        var context = PolicyContext.of(request)
        caller.describe(in: &context)
        context.set("sts:ExternalId", form["ExternalId"])
        context.set("sts:RoleSessionName", name)
        context.set("aws:ResourceAccount", role.account)
        tags.describe(in: &context)
        for action in ["sts:AssumeRole"] + (tags.isEmpty ? [] : ["sts:TagSession"]) {
            let verdict = PolicyQuestion(caller: caller, action: action, resource: arn, context: context)
                .verdict(under: ResourcePolicy(document: role.settings.trust.document, account: role.account, kind: .mandatory))
            notes.note { $0.permissions.append(action + (verdict.isAllowed ? "" : " refused")) }
            guard verdict.isAllowed else {
                throw Refusal(
                    "AccessDenied", 403, "User: \(caller.arn) is not authorized to perform: \(action) on resource: \(arn)")
            }
        }
        let seconds = try duration(form["DurationSeconds"], role: role, isChained: caller.isSession)
        let session = try session(of: role, name: name, form: form, seconds: seconds, now: request.received, tags: tags)
        return reply("AssumeRole", requestID) { Self.write(session, into: &$0) }
    }

    func session(
        of role: IdentityDirectory.Role, name: String, form: QueryParameters, seconds: Int64, now: Timestamp,
        tags: SessionTags = SessionTags()
    ) throws(Refusal) -> IdentityDirectory.SessionCredentials {
        let policies = try sessionPolicies(form["Policy"])
        do {
            return try identities.newSession(
                of: role, name: name, policies: policies, seconds: seconds, now: now, tags: tags.values)
        } catch {
            throw .internalError("\(error)")
        }
    }

    static func write(_ session: IdentityDirectory.SessionCredentials, into result: inout XMLText) {
        result.add("Credentials") { credentials in
            credentials.add("AccessKeyId", session.accessKey)
            credentials.add("SecretAccessKey", session.secret.reveal())
            credentials.add("SessionToken", session.token.reveal())
            credentials.add("Expiration", WireTime.iso8601Seconds(session.expires))
        }
        result.add("AssumedRoleUser") { user in
            user.add("AssumedRoleId", session.roleID)
            user.add("Arn", session.arn)
        }
    }

    func sessionName(_ form: QueryParameters) throws(Refusal) -> String {
        let name = form["RoleSessionName"] ?? ""
        guard (2...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isSessionNameByte) else {
            throw invalid(
                "1 validation error detected: Value '\(name)' at 'roleSessionName' failed to satisfy constraint: "
                    + "Member must satisfy regular expression pattern: [\\w+=,.@-]*")
        }
        return name
    }

    /// What is not understood must not be ignored: a session policy by ARN, for one, narrows what the session may do.
    func refuseUnknown(_ form: QueryParameters, isKnown: (String) -> Bool) throws(Refusal) {
        guard let unknown = form.names.first(where: { !isKnown($0) }) else { return }
        throw Refusal("NotImplemented", 501, "the sandbox does not know the parameter \(unknown)")
    }

    func duration(_ text: String?, role: IdentityDirectory.Role, isChained: Bool) throws(Refusal) -> Int64 {
        guard let text else { return min(3_600, role.settings.longestSession) }
        guard let seconds = Int64(text), (900...43_200).contains(seconds) else {
            throw invalid(
                "1 validation error detected: Value '\(text)' at 'durationSeconds' failed to satisfy constraint: "
                    + "Member must have value between 900 and 43200")
        }
        guard seconds <= role.settings.longestSession else {
            throw invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        }
        guard !isChained || seconds <= 3_600 else {
            throw invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
        }
        return seconds
    }

    private func sessionPolicies(_ text: String?) throws(Refusal) -> [PolicyDocument] {
        guard let text else { return [] }
        do {
            return [try JSONDecoder().decode(PolicyDocument.self, from: Data(text.utf8))]
        } catch {
            throw Refusal("MalformedPolicyDocument", 400, "The policy is not in the valid JSON format: \(error)")
        }
    }

    func invalid(_ text: String) -> Refusal { Refusal("ValidationError", 400, text) }

    func reply(_ action: String, _ requestID: String, _ content: (inout XMLText) -> Void) -> Reply {
        var reply = Reply.xml(
            XMLText("\(action)Response", namespace: XMLText.sts) { response in
                response.add("\(action)Result", content)
                response.add("ResponseMetadata") { $0.add("RequestId", requestID) }
            })
        reply.replace("content-type", with: "text/xml")
        return reply
    }

    private static func isSessionNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "_+=,.@-".utf8.contains(byte)
        }
    }
}
