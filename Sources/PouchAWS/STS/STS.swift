import PouchHTTP
package import PouchKit

/// The calls to STS that we make.
package struct STS: Sendable {
    private let client: AWSClient
    private let region: Region
    private let endpoint: EndpointURL?

    /// - Parameter credentials: `nil` for what is asked without any.
    package init(credentials: (any CredentialSource)?, region: Region, endpoint: EndpointURL?, link: AWSLink) {
        client = AWSClient(authority: credentials.map { .credentials(.other("sts"), $0) } ?? .none, link: link)
        self.region = region
        self.endpoint = endpoint
    }

    package struct AssumedRole: Sendable {
        package let credentials: Credentials
        /// By the service's clock, so that ours need not be right.
        package let lifetime: Duration
    }

    package struct RoleRequest: Hashable, Sendable {
        package var role: RoleARN
        /// Appears in the logs of both organisations.
        package var sessionName: String
        package var externalID: String?
        /// `nil`: an hour.
        package var duration: Duration?
        /// JSON: the session may do what the role may, and of that only what stands here.
        package var policy: String?
        /// Policies of both organisations may ask for them.
        package var tags: [Tag]

        package init(
            role: RoleARN,
            sessionName: String,
            externalID: String? = nil,
            duration: Duration? = nil,
            policy: String? = nil,
            tags: [Tag] = []
        ) {
            self.role = role
            self.sessionName = sessionName
            self.externalID = externalID
            self.duration = duration
            self.policy = policy
            self.tags = tags
        }
    }

    package struct Tag: Hashable, Sendable {
        package let key: String
        package let value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    package struct WebIdentityRequest: Hashable, Sendable {
        package var role: RoleARN
        package var sessionName: String
        /// `nil`: an hour.
        package var duration: Duration?

        package init(role: RoleARN, sessionName: String, duration: Duration? = nil) {
            self.role = role
            self.sessionName = sessionName
            self.duration = duration
        }
    }

    package func assumeRole(_ request: RoleRequest) async throws(AWSFailure) -> AssumedRole {
        var fields = [("RoleArn", request.role.description), ("RoleSessionName", request.sessionName)]
        if let externalID = request.externalID { fields.append(("ExternalId", externalID)) }
        if let duration = request.duration { fields.append(("DurationSeconds", "\(duration.components.seconds)")) }
        if let policy = request.policy { fields.append(("Policy", policy)) }
        for (index, tag) in request.tags.enumerated() {
            fields += [("Tags.member.\(index + 1).Key", tag.key), ("Tags.member.\(index + 1).Value", tag.value)]
        }
        return try await session("AssumeRole", fields)
    }

    /// Nothing is signed: the token says who we are.
    package func assumeRole(
        _ request: WebIdentityRequest,
        token: Secret
    ) async throws(AWSFailure) -> AssumedRole {
        var fields = [
            ("RoleArn", request.role.description), ("RoleSessionName", request.sessionName), ("WebIdentityToken", token.reveal()),
        ]
        if let duration = request.duration { fields.append(("DurationSeconds", "\(duration.components.seconds)")) }
        return try await session("AssumeRoleWithWebIdentity", fields)
    }

    private func session(_ operation: String, _ fields: [(String, String)]) async throws(AWSFailure) -> AssumedRole {
        let call = call(operation, fields)
        let answer = try await client.send(call)
        let result = answer.document?[operation + "Result"]?["Credentials"]
        guard let result, let id = result.value("AccessKeyId"), let secret = result.value("SecretAccessKey"),
            let token = result.value("SessionToken"), let expiration = result.value("Expiration").flatMap(WireDate.iso8601)
        else { throw answer.unreadable(of: call, reason: "the answer holds no credentials") }
        return AssumedRole(
            credentials: Credentials(
                accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token), expiration: expiration),
            lifetime: (answer.date ?? client.link.clock.now).duration(to: expiration)
        )
    }

    package struct CallerIdentity: Hashable, Sendable {
        package let account: AccountID
        /// `arn:aws:sts::111111111111:assumed-role/generator/pouch`
        package let arn: String
        /// The service's clock when it answered.
        package let date: Timestamp?
    }

    /// Who we are to AWS. Nobody needs a permission for it.
    package func callerIdentity() async throws(AWSFailure) -> CallerIdentity {
        let call = call("GetCallerIdentity", [])
        let answer = try await client.send(call)
        let result = answer.document?["GetCallerIdentityResult"]
        guard let arn = result?.value("Arn"), let account = result?.value("Account").flatMap({ try? AccountID($0) }) else {
            throw answer.unreadable(of: call, reason: "the answer names nobody")
        }
        return CallerIdentity(account: account, arn: arn, date: answer.date)
    }

    private func call(_ operation: String, _ fields: [(String, String)]) -> AWSCall {
        var call = AWSCall(operation, method: "POST", region: region) {
            [endpoint, variant = client.link.variant] region in
            ServiceAddress.regional(.sts, in: region, custom: endpoint, variant: variant)
        }
        let form = [("Action", operation), ("Version", "2011-06-15")] + fields
        call.body = .bytes(Array(form.map { $0 + "=" + PercentEncoding.encoded($1) }.joined(separator: "&").utf8))
        call.headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
        call.answer = .xml(root: operation + "Response")
        call.timeouts = .question
        return call
    }
}

extension STS.RoleRequest {
    /// The text as a session name: what STS does not take becomes `-`, and it is cut to 64 characters.
    package static func sessionName(from text: String) -> String {
        let characters = text.utf8.prefix(64).map { byte in
            byte.isLetterOrDigit || "+=,.@_-".utf8.contains(byte) ? byte : UInt8(ascii: "-")
        }
        let name = String(decoding: characters, as: UTF8.self)
        return name.utf8.count < 2 ? "pouch" : name
    }
}
