import PouchKit
import Synchronization

/// A named profile of the shared files. The files are read at first use, and again when what they gave was refused.
package final class ProfileCredentials: CredentialSource {
    package let explanation: String
    private let name: String
    private let locations: ProfileLocations
    private let environment: [String: String]
    private let sessionName: String
    private let region: Region
    private let endpoint: EndpointURL?
    private let link: AWSLink
    private let resolved = Mutex<(any CredentialSource)?>(nil)

    /// - Parameters:
    ///   - region: Of STS, where the profile names none.
    ///   - endpoint: Of STS, where it is not AWS's own.
    package init(
        _ name: String,
        locations: ProfileLocations,
        environment: [String: String],
        sessionName: String,
        region: Region,
        endpoint: EndpointURL?,
        link: AWSLink
    ) {
        explanation = "the profile \(name)"
        self.name = name
        self.locations = locations
        self.environment = environment
        self.sessionName = sessionName
        self.region = region
        self.endpoint = endpoint
        self.link = link
    }

    package func credentials() async throws(CredentialFailure) -> Credentials {
        let source = try source()
        do throws(CredentialFailure) {
            return try await source.credentials()
        } catch {
            // The keys that a role is assumed with may be exchanged in the file: look again next time.
            if !error.isTemporary { resolved.withLock { $0 = nil } }
            throw error
        }
    }

    package func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        // Keys may have been exchanged in the file; a role's session is renewed by its own source.
        let source = try source()
        if source is RefreshingCredentials { return try await source.refreshed(after: refused) }
        resolved.withLock { $0 = nil }
        let credentials = try await self.source().credentials()
        guard credentials != refused else {
            throw CredentialFailure(
                step: "renew credentials from \(explanation)", cause: "it still holds those that were refused",
                hint: "put valid credentials into the profile")
        }
        return credentials
    }

    private func source() throws(CredentialFailure) -> any CredentialSource {
        if let source = resolved.withLock({ $0 }) { return source }
        let profile = try Profile(name, in: locations.read(), sessionName: sessionName)
        var source: any CredentialSource =
            switch profile.origin {
            case .keys(let keys): FixedCredentials(keys, explanation: "the keys of the profile \(profile.originName)")
            case .environment: EnvironmentCredentials(environment)
            }
        for role in profile.roles {
            source = RefreshingCredentials.role(
                role, from: source, region: profile.region ?? region, endpoint: endpoint, link: link)
        }
        let made = source
        resolved.withLock { $0 = made }
        return made
    }
}
