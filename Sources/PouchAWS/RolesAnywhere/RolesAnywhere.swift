import FoundationEssentials
import PouchHTTP
import PouchKit

/// IAM Roles Anywhere: a session of a role for whoever has a certificate that a trust anchor vouches for.
package struct RolesAnywhere: Sendable {
    private let client: AWSClient
    private let endpoint: EndpointURL?

    package init(files: CertificateFiles, endpoint: EndpointURL?, link: AWSLink) {
        client = AWSClient(authority: .certificate(files, link.clock), link: link)
        self.endpoint = endpoint
    }

    package struct SessionRequest: Hashable, Sendable {
        package var role: RoleARN
        package var trustAnchor: RolesAnywhereARN
        package var profile: RolesAnywhereARN
        /// Only where the profile accepts one; else the session bears the certificate's serial number.
        package var sessionName: String?
        /// `nil`: an hour. The profile may shorten it.
        package var duration: Duration?

        package init(
            role: RoleARN,
            trustAnchor: RolesAnywhereARN,
            profile: RolesAnywhereARN,
            sessionName: String? = nil,
            duration: Duration? = nil
        ) {
            self.role = role
            self.trustAnchor = trustAnchor
            self.profile = profile
            self.sessionName = sessionName
            self.duration = duration
        }
    }

    /// <https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html>
    ///
    /// The ARNs go into the query, as AWS's own credential helper sends them.
    package func createSession(_ request: SessionRequest) async throws(AWSFailure) -> STS.AssumedRole {
        var call = AWSCall("CreateSession", method: "POST", region: request.trustAnchor.region) {
            [endpoint, variant = client.link.variant] region in
            let host = ServiceAddress.regional(.rolesanywhere, in: region, custom: endpoint, variant: variant)
            return ServiceAddress(endpoint: host.endpoint, path: host.path + "sessions")
        }
        call.query = [
            QueryItem("profileArn", request.profile.description), QueryItem("roleArn", request.role.description),
            QueryItem("trustAnchorArn", request.trustAnchor.description),
        ]
        let body = Body(
            durationSeconds: request.duration?.components.seconds ?? 3_600, roleSessionName: request.sessionName)
        // Two fields, of a number and of characters that were looked at: nothing that JSON could not hold.
        call.body = .bytes((try? JSONEncoder().encode(body)).map { Array($0) } ?? [])
        call.headers = [("content-type", "application/json")]
        call.answer = .json
        call.timeouts = .question
        let answer = try await client.send(call)
        guard let set = try? JSONDecoder().decode(CredentialSet.self, from: Data(answer.body)).credentialSet.first?.credentials,
            let expiration = WireDate.iso8601(set.expiration)
        else { throw answer.unreadable(of: call, reason: "the answer holds no credentials") }
        return STS.AssumedRole(
            credentials: Credentials(
                accessKeyID: set.accessKeyId, secretAccessKey: Secret(set.secretAccessKey), sessionToken: Secret(set.sessionToken),
                expiration: expiration),
            lifetime: (answer.date ?? client.link.clock.now).duration(to: expiration))
    }

    private struct Body: Encodable {
        let durationSeconds: Int64
        let roleSessionName: String?
    }

    private struct CredentialSet: Decodable {
        struct Element: Decodable { let credentials: Keys }

        struct Keys: Decodable {
            let accessKeyId: String
            let secretAccessKey: String
            let sessionToken: String
            let expiration: String
        }

        let credentialSet: [Element]
    }
}
