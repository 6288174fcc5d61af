import PouchKit

extension TokenService {
    /// AssumeRoleWithWebIdentity: nobody signs, the token says who asks.
    func assumeRoleWithWebIdentity(
        _ form: QueryParameters, request: IncomingRequest, notes: RequestNotes, requestID: String
    ) throws(Refusal) -> Reply {
        let known = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "WebIdentityToken", "Policy"]
        try refuseUnknown(form) { known.contains($0) }
        let arn = form["RoleArn"] ?? ""
        notes.note { $0.key = arn }
        let name = try sessionName(form)
        let token = try WebIdentityToken(form["WebIdentityToken"] ?? "", knowing: federation, now: request.received)
        notes.note { $0.caller = "\(token.provider.arn) \(token.subject)" }
        var context = PolicyContext.of(request)
        context.set("\(token.provider.name):sub", token.subject)
        context.set("\(token.provider.name):aud", token.audience)
        context.set("sts:RoleSessionName", name)
        let action = "sts:AssumeRoleWithWebIdentity"
        let question = TrustQuestion(asker: .federated(token.provider.arn), actions: [action], context: context)
        let role = identities.role(arn)
        let isAllowed = role.map { question.isAllowed(by: $0.settings.trust.document) } ?? false
        notes.note { $0.permissions.append(action + (isAllowed ? "" : " refused")) }
        guard let role, isAllowed else {
            throw Refusal("AccessDenied", 403, "Not authorized to perform \(action)")
        }
        let seconds = try duration(form["DurationSeconds"], role: role, isChained: false)
        let session = try session(of: role, name: name, form: form, seconds: seconds, now: request.received)
        return reply("AssumeRoleWithWebIdentity", requestID) { result in
            Self.write(session, into: &result)
            result.add("SubjectFromWebIdentityToken", token.subject)
            result.add("Audience", token.audience)
            result.add("Provider", token.provider.arn)
        }
    }
}
