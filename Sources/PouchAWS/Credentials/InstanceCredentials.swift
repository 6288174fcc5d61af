import PouchHTTP
package import PouchKit

/// The metadata service of an EC2 instance, version 2: nothing is asked without a session token of its own.
package struct InstanceMetadata: Sendable {
    package static let usualEndpoint = EndpointURL(isSecure: false, authority: "169.254.169.254")
    private static let step = "get credentials from the instance metadata service"

    private let client: AWSClient
    private let endpoint: EndpointURL
    private let region: Region

    /// - Parameters:
    ///   - region: Stands in the call only; nothing is signed.
    ///   - link: One without a proxy.
    package init(endpoint: EndpointURL, region: Region, link: AWSLink) {
        client = AWSClient(authority: .none, link: link)
        self.endpoint = endpoint
        self.region = region
    }

    /// - Parameter role: `nil`: the one that the instance has.
    func credentials(role: String?) async throws(CredentialFailure) -> RefreshingCredentials.Fresh {
        let token = try await ask("PUT", "/latest/api/token", [("x-aws-ec2-metadata-token-ttl-seconds", "21600")])
        let header = [(name: "x-aws-ec2-metadata-token", value: String(decoding: token.body, as: UTF8.self))]
        let folder = "/latest/meta-data/iam/security-credentials/"
        let name: String
        if let role {
            name = role
        } else {
            let list = String(decoding: try await ask("GET", folder, header).body, as: UTF8.self)
            guard let first = list.split(whereSeparator: \.isNewline).first else {
                throw CredentialFailure(
                    step: Self.step, cause: "the instance has no role", hint: "attach an instance profile to it")
            }
            name = String(first)
        }
        let answer = try await ask("GET", folder + PercentEncoding.encoded(name), header)
        guard let document = CredentialDocument.read(answer.body) else {
            throw CredentialFailure(
                step: Self.step, cause: "the answer for the role \(VisibleText.escaped(name)) is no credentials")
        }
        if let code = document.code, code != "Success" {
            throw CredentialFailure(
                step: Self.step,
                cause: VisibleText.escaped("\(code): \(document.message ?? "no reason given")"),
                hint: "the role \(VisibleText.escaped(name)) must exist, and its trust policy must name ec2.amazonaws.com")
        }
        return try document.fresh(step: Self.step, now: answer.date ?? client.link.clock.now)
    }

    private func ask(
        _ method: String,
        _ path: String,
        _ headers: [(name: String, value: String)]
    ) async throws(CredentialFailure) -> AWSAnswer {
        var call = AWSCall("GetMetadata", method: method, region: region) { [endpoint] _ in
            ServiceAddress(endpoint: endpoint, path: endpoint.basePath + path)
        }
        call.headers = headers
        call.timeouts = .nearby
        do throws(AWSFailure) {
            return try await client.send(call)
        } catch {
            throw CredentialFailure(step: Self.step, reason: error, hint: Self.hint(error, method))
        }
    }

    private static func hint(_ failure: AWSFailure, _ method: String) -> String? {
        switch failure.status {
        case nil: "this works only on an EC2 instance whose metadata service is on; in a container its hop limit must be 2"
        case 403 where method == "PUT": "the metadata service of this instance is switched off"
        case 404: "the instance has no role, or not this one: attach an instance profile to it"
        default: nil
        }
    }
}

extension RefreshingCredentials {
    /// The credentials of the role that an EC2 instance has.
    package static func instance(_ metadata: InstanceMetadata, at endpoint: EndpointURL, role: String?, clock: any AgentClock)
        -> RefreshingCredentials
    {
        RefreshingCredentials(
            explanation: "the instance metadata service",
            story: {
                [
                    CredentialStep(
                        .imds, "the role \(role ?? "of the instance"), from the instance metadata service",
                        [("asked at", endpoint.description)])
                ]
            },
            clock: clock
        ) { () async throws(CredentialFailure) -> Fresh in try await metadata.credentials(role: role) }
    }
}
