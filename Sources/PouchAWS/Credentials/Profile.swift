import PouchKit

/// What a named profile of the shared files stands for, followed to its end: keys, or roles assumed one from the other.
package struct Profile: Hashable, Sendable {
    /// Where the first credentials come from.
    package enum Origin: Hashable, Sendable {
        case keys(Credentials)
        case environment
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
            guard properties["role_arn"] != nil else { throw Self.unsupported(properties, profile: current, step: step) }
            chain.append(try Self.role(properties, profile: current, step: step, sessionName: sessionName))
            switch try Self.source(properties, profile: current, step: step) {
            case .environment: origin = .environment
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
        case environment
    }

    private static func source(
        _ properties: [String: String],
        profile: String,
        step: String
    ) throws(CredentialFailure) -> Source {
        switch (properties["source_profile"], properties["credential_source"]) {
        case (let name?, nil): return .profile(name)
        case (nil, "Environment"): return .environment
        case (nil, let other?):
            throw CredentialFailure(
                step: step,
                cause: "the profile \(profile) takes credentials from '\(VisibleText.escaped(other))', which is not supported",
                hint: "credential_source = Environment, or source_profile")
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
        guard properties["web_identity_token_file"] == nil else {
            throw CredentialFailure(step: step, cause: "the profile \(profile) uses a web identity, which is not supported")
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
        let foreign = ["credential_process", "sso_session", "sso_account_id", "web_identity_token_file", "login_session"]
        let cause =
            foreign.first { properties[$0] != nil }.map { "the profile \(profile) uses \($0), which is not supported" }
            ?? "the profile \(profile) has neither keys nor a role_arn"
        return CredentialFailure(step: step, cause: cause)
    }
}

/// Where the shared files are.
package struct ProfileLocations: Hashable, Sendable {
    package let configuration: String?
    package let credentials: String?

    package init(configuration: String?, credentials: String?) {
        self.configuration = configuration
        self.credentials = credentials
    }

    /// One file in either form: `[NAME]` or `[profile NAME]`.
    package init(file: String) { self.init(configuration: file, credentials: file) }

    /// `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`, else below `$HOME/.aws`.
    package init(environment: [String: String]) {
        let home = environment["HOME"].map { $0 + "/.aws" }
        configuration = environment["AWS_CONFIG_FILE"] ?? home.map { $0 + "/config" }
        credentials = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home.map { $0 + "/credentials" }
    }

    /// Both files as one. A file that does not exist is empty.
    ///
    /// - Throws: `CredentialFailure` when neither exists, or one cannot be read or has another form.
    package func read() throws(CredentialFailure) -> ProfileFile {
        let first = try Self.read(configuration, as: .configuration)
        let second = try Self.read(credentials, as: .credentials)
        guard first != nil || second != nil else {
            let places = [configuration, credentials].compactMap { $0 }.joined(separator: " nor ")
            throw CredentialFailure(
                step: "read the shared AWS files", cause: places.isEmpty ? "HOME is not set" : "there is neither \(places)")
        }
        return (first ?? ProfileFile()).merged(with: second ?? ProfileFile())
    }

    private static func read(_ path: String?, as kind: ProfileFile.Kind) throws(CredentialFailure) -> ProfileFile? {
        guard let path, SmallFile.exists(path) else { return nil }
        let text = try SmallFile.text(at: path)
        do throws(ProfileProblem) {
            return try ProfileFile(text, as: kind)
        } catch {
            throw CredentialFailure(step: "read \(path)", cause: "\(error)")
        }
    }
}
