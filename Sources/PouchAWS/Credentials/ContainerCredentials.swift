import PouchHTTP
import PouchKit

extension RefreshingCredentials {
    /// What the agent of ECS or EKS hands out.
    ///
    /// - Parameters:
    ///   - find: Where it is. Asked at each refresh.
    ///   - region: Stands in the call only; nothing is signed.
    ///   - link: One without a proxy.
    package static func container(
        _ find: @escaping @Sendable () throws(CredentialFailure) -> ContainerEndpoint,
        region: Region,
        link: AWSLink
    ) -> RefreshingCredentials {
        let client = AWSClient(authority: .none, link: link)
        return RefreshingCredentials(
            explanation: "the container's credentials",
            story: { [story(find)] },
            clock: link.clock
        ) { () async throws(CredentialFailure) -> Fresh in
            let endpoint = try find()
            let step = "get the container's credentials from \(endpoint.uri)"
            var call = AWSCall("GetCredentials", method: "GET", region: region) { _ in
                ServiceAddress(endpoint: endpoint.address, path: endpoint.path)
            }
            call.headers = [("accept", "application/json")]
            if let header = try endpoint.authorizationHeader() { call.headers.append(header) }
            call.answer = .json
            call.timeouts = .nearby
            let answer: AWSAnswer
            do throws(AWSFailure) {
                answer = try await client.send(call)
            } catch {
                throw CredentialFailure(step: step, reason: error, hint: hint(error))
            }
            guard let document = CredentialDocument.read(answer.body) else {
                throw CredentialFailure(step: step, cause: "the answer is not JSON with credentials")
            }
            return try document.fresh(step: step, now: answer.date ?? link.clock.now)
        }
    }

    private static func story(
        _ find: @Sendable () throws(CredentialFailure) -> ContainerEndpoint
    ) -> CredentialStep {
        do throws(CredentialFailure) {
            let endpoint = try find()
            let shown =
                switch endpoint.authorization {
                case .none: "none"
                case .file(let path): "the token in \(path)"
                case .token: "a token of the environment"
                }
            return CredentialStep(
                .container, "the container's credentials, from \(endpoint.uri)", [("authorization", shown)])
        } catch {
            return CredentialStep(.container, "the container's credentials", problem: error)
        }
    }

    private static func hint(_ failure: AWSFailure) -> String? {
        switch failure.status {
        case 401, 403: "the agent of the container does not take the authorization token"
        case 404: "the agent of the container does not know the address: has the task a role?"
        default: failure.status == nil ? "this works only inside of an ECS task or an EKS pod" : nil
        }
    }
}

extension HTTPTimeouts {
    /// For what answers from this machine or its host, or never.
    static let nearby = HTTPTimeouts(connect: .seconds(1), answer: .seconds(2), stall: .seconds(2))
}
