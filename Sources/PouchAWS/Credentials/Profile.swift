import PouchKit

/// What a named profile of the shared files stands for, followed to its end: where the first credentials come from, and the roles that
/// are assumed one from the other.
package struct Profile: Hashable, Sendable {
    /// Where the first credentials come from.
    package enum Origin: Hashable, Sendable {
        case keys(Credentials)
        case environment
        case container
        case instance
        case process([String])
        case webIdentity(STS.WebIdentityRequest, tokenFile: String)
    }

    package let name: String
    package let origin: Origin
    /// The profile that holds the origin.
    package let originName: String
    /// In the order in which they are assumed.
    package let roles: [STS.RoleRequest]
    package let region: Region?

    /// - Parameter sessionName: Where a profile gives none.
    /// - Throws: `CredentialFailure` naming the profile: it is missing, refers to itself by a detour, or wants what an unattended
    ///   agent cannot give.
    package init(_ name: String, in file: ProfileFile, sessionName: String) throws(CredentialFailure) {
        let step = "follow the profile \(VisibleText.escaped(name))"
        var chain: [STS.RoleRequest] = []
        var visited: [String] = []
        var current = name
        var origin: Origin?
        while origin == nil {
            guard !visited.contains(current) else {
                throw CredentialFailure(
                    step: step, cause: "its source_profile leads back to itself: \((visited + [current]).joined(separator: " → "))")
            }
            guard let properties = file.profiles[current] else {
                throw CredentialFailure(step: step, cause: "there is no profile \(VisibleText.escaped(current))")
            }
            visited.append(current)
            let keys = try StaticKeys.credentials(in: properties, step: "\(step), profile \(current)")
            // A source profile's own keys are meant, not the role that it would assume with them.
            if let keys, visited.count > 1 || properties["role_arn"] == nil {
                origin = .keys(keys)
                break
            }
            if let found = try Self.origin(properties, profile: current, step: step, sessionName: sessionName) {
                origin = found
                break
            }
            chain.append(try Self.role(properties, profile: current, step: step, sessionName: sessionName))
            switch try Self.source(properties, profile: current, step: step) {
            case .origin(let found): origin = found
            case .profile(let next) where next == current:
                guard let keys else {
                    throw CredentialFailure(step: step, cause: "the profile \(current) names itself as source and has no keys")
                }
                origin = .keys(keys)
            case .profile(let next): current = next
            }
        }
        guard let origin else { throw CredentialFailure(step: step, cause: "it leads nowhere") }
        self.name = name
        self.origin = origin
        originName = current
        roles = chain.reversed()
        region = file.profiles[name]?["region"].flatMap { try? Region($0) }
    }

    private enum Source {
        case profile(String)
        case origin(Origin)
    }

    /// What ends the chain without a role to assume; `nil` where there is one. Keys were looked at before.
    private static func origin(
        _ properties: [String: String],
        profile: String,
        step: String,
        sessionName: String
    ) throws(CredentialFailure) -> Origin? {
        if let file = properties["web_identity_token_file"] {
            guard properties["role_arn"] != nil else {
                throw CredentialFailure(step: step, cause: "the profile \(profile) has a web_identity_token_file, and no role_arn")
            }
            let role = try role(properties, profile: profile, step: step, sessionName: sessionName)
            return .webIdentity(
                STS.WebIdentityRequest(role: role.role, sessionName: role.sessionName, duration: role.duration), tokenFile: file)
        }
        guard properties["role_arn"] == nil else { return nil }
        guard let command = properties["credential_process"] else { throw unsupported(properties, profile: profile, step: step) }
        do throws(ShellWords.Problem) {
            return .process(try ShellWords.split(command))
        } catch {
            throw CredentialFailure(step: step, cause: "credential_process of the profile \(profile): \(error.text)")
        }
    }

    private static func source(
        _ properties: [String: String],
        profile: String,
        step: String
    ) throws(CredentialFailure) -> Source {
        switch (properties["source_profile"], properties["credential_source"]) {
        case (let name?, nil): return .profile(name)
        case (nil, "Environment"): return .origin(.environment)
        case (nil, "EcsContainer"): return .origin(.container)
        case (nil, "Ec2InstanceMetadata"): return .origin(.instance)
        case (nil, let other?):
            throw CredentialFailure(
                step: step,
                cause: "the profile \(profile) takes credentials from '\(VisibleText.escaped(other))', which is not supported",
                hint: "credential_source is Environment, EcsContainer or Ec2InstanceMetadata")
        case (_?, _?):
            throw CredentialFailure(step: step, cause: "the profile \(profile) has both source_profile and credential_source")
        case (nil, nil):
            throw CredentialFailure(
                step: step, cause: "the profile \(profile) has a role_arn, and no source_profile to assume it with")
        }
    }

    private static func role(
        _ properties: [String: String],
        profile: String,
        step: String,
        sessionName: String
    ) throws(CredentialFailure) -> STS.RoleRequest {
        guard properties["mfa_serial"] == nil else {
            throw CredentialFailure(
                step: step, cause: "the profile \(profile) wants a code from a person (mfa_serial)",
                hint: "an unattended agent needs a role that can be assumed without one")
        }
        let role: RoleARN
        do throws(NameError) {
            role = try RoleARN(properties["role_arn"] ?? "")
        } catch {
            throw CredentialFailure(step: step, cause: "the profile \(profile): \(error)")
        }
        var duration: Duration?
        if let text = properties["duration_seconds"] {
            guard let seconds = Int64(text), (900...43_200).contains(seconds) else {
                throw CredentialFailure(step: step, cause: "the profile \(profile): duration_seconds is 900 to 43200")
            }
            duration = .seconds(seconds)
        }
        return STS.RoleRequest(
            role: role,
            sessionName: properties["role_session_name"] ?? sessionName,
            externalID: properties["external_id"],
            duration: duration
        )
    }

    private static func unsupported(_ properties: [String: String], profile: String, step: String) -> CredentialFailure {
        guard let foreign = ["sso_session", "sso_account_id", "login_session"].first(where: { properties[$0] != nil }) else {
            return CredentialFailure(
                step: step, cause: "the profile \(profile) has neither keys nor a role_arn nor a credential_process")
        }
        return CredentialFailure(
            step: step, cause: "the profile \(profile) wants a person to log in (\(foreign))",
            hint: "an unattended agent needs a source that works without one")
    }
}
