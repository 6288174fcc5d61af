import PouchKit
import Synchronization

/// A named profile of the shared files. The files are read at first use, and again when what they gave was refused.
package final class ProfileCredentials: CredentialSource {
    package let explanation: String
    private let name: String
    private let locations: ProfileLocations
    private let surroundings: CredentialSurroundings
    private let resolved = Mutex<(any CredentialSource)?>(nil)

    package init(_ name: String, locations: ProfileLocations, surroundings: CredentialSurroundings) {
        explanation = "the profile \(name)"
        self.name = name
        self.locations = locations
        self.surroundings = surroundings
    }

    package var story: [CredentialStep] {
        let files = [locations.configuration, locations.credentials].compactMap { $0 }
        var step = CredentialStep(
            .profile, explanation, [("looked for in", Set(files).sorted().joined(separator: " and "))])
        do throws(CredentialFailure) {
            let profile = try profile()
            if let region = profile.region { step.add("region", region.description) }
            return [step] + source(of: profile).story
        } catch {
            step.problem = error
            return [step]
        }
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
        // Keys may have been exchanged in the file; a session is renewed by its own source.
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
        let made = source(of: try profile())
        resolved.withLock { $0 = made }
        return made
    }

    private func profile() throws(CredentialFailure) -> Profile {
        try Profile(name, in: locations.read(), sessionName: surroundings.sessionName)
    }

    private func source(of profile: Profile) -> any CredentialSource {
        let surroundings = surroundings.inRegion(profile.region)
        let origin: any CredentialSource =
            switch profile.origin {
            case .keys(let keys):
                // Those of a profile without roles are exchanged above.
                profile.roles.isEmpty
                    ? FixedCredentials(keys, explanation: "the keys of the profile \(profile.originName)")
                    : ProfileKeys(
                        profile: name, holder: profile.originName, locations: locations, sessionName: surroundings.sessionName)
            case .environment: EnvironmentCredentials(surroundings.environment)
            case .container: surroundings.container()
            case .instance: surroundings.instance()
            case .process(let command): surroundings.process(command)
            case .webIdentity(let request, let file): surroundings.webIdentity(request, tokenFile: file)
            }
        return profile.roles.reduce(origin) { source, role in surroundings.role(role, from: source) }
    }
}
