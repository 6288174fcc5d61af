package import PouchKit

// What stands behind a name in `from:`.

extension IdentitySettings {
    /// `roles-anywhere: { … }`
    package struct RolesAnywhere: Hashable, Sendable {
        package let certificate: SettingsPath
        package let key: SettingsPath
        package let chain: SettingsPath?
        /// ARNs; the first two of one region.
        package let trustAnchor: Located<String>
        package let profile: Located<String>
        package let role: Located<String>
        package let sessionName: String?
        package let duration: TimeSpan?
    }

    /// `web-identity: { … }`
    package struct WebIdentity: Hashable, Sendable {
        package let tokenFile: SettingsPath
        package let role: Located<String>
        package let sessionName: String?
        package let duration: TimeSpan?
    }

    /// `container: true` or `container: { … }`
    package enum Container: Hashable, Sendable {
        /// What ECS and EKS say in the environment.
        case environment
        case endpoint(Located<String>, tokenFile: SettingsPath?)
    }

    /// `imds: true` or `imds: { … }`
    package struct InstanceMetadata: Hashable, Sendable {
        /// `nil`: the instance's own.
        package let role: String?
        /// `nil`: the usual one.
        package let endpoint: Located<HTTPAddress>?
    }
}

extension IdentitySettings.RolesAnywhere: Decodable {
    private enum Key: String, CodingKey {
        case certificate, key, chain, profile, role, duration
        case trustAnchor = "trust-anchor"
        case sessionName = "session-name"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        certificate = try container.decode(SettingsPath.self, forKey: .certificate)
        key = try container.decode(SettingsPath.self, forKey: .key)
        chain = try container.decodeIfPresent(SettingsPath.self, forKey: .chain)
        trustAnchor = try container.decode(Located<TrustAnchorARN>.self, forKey: .trustAnchor).map(\.value)
        profile = try container.decode(Located<ProfileARN>.self, forKey: .profile).map(\.value)
        role = try container.decode(Located<IdentitySettings.RoleARN>.self, forKey: .role).map(\.value)
        sessionName = try container.decodeIfPresent(IdentitySettings.SessionName.self, forKey: .sessionName)?.value
        duration = try container.decodeIfPresent(IdentitySettings.SessionDuration.self, forKey: .duration)?.value
        let regions = [trustAnchor, profile].map { AnywhereARN.region(of: $0.value) }
        guard regions[0] == regions[1] || regions.contains("") else {
            throw SettingsProblem(
                at: [Key.profile.rawValue], "the profile is of \(regions[1]), the trust anchor of \(regions[0])",
                hint: "both are of the region in which the session is asked for")
        }
    }

    private struct TrustAnchorARN: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws { try AnywhereARN.check(text, kind: "trust-anchor") }
    }

    private struct ProfileARN: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws { try AnywhereARN.check(text, kind: "profile") }
    }
}

/// `arn:aws:rolesanywhere:eu-west-1:111111111111:profile/11112222-3333-4444-5555-666677778888`
private enum AnywhereARN {
    static func check(_ text: String, kind: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "arn", parts[1] == "aws" || parts[1].hasPrefix("aws-"), parts[2] == "rolesanywhere",
            !parts[3].isEmpty, parts[4].utf8.count == 12, parts[4].hasOnlyDigits, parts[5].hasPrefix(kind + "/"),
            parts[5].utf8.count == kind.utf8.count + 37
        else {
            throw SettingsProblem(
                at: [], "expected the ARN of a \(kind) of Roles Anywhere, found '\(Quoted.shortened(text))'",
                hint: "such as arn:aws:rolesanywhere:eu-west-1:111111111111:\(kind)/11112222-3333-4444-5555-666677778888")
        }
    }

    /// Empty for a text that was found wrong already.
    static func region(of text: String) -> String {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 6 ? String(parts[3]) : ""
    }
}

extension IdentitySettings.WebIdentity: Decodable {
    private enum Key: String, CodingKey {
        case role, duration
        case tokenFile = "token-file"
        case sessionName = "session-name"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        tokenFile = try container.decode(SettingsPath.self, forKey: .tokenFile)
        role = try container.decode(Located<IdentitySettings.RoleARN>.self, forKey: .role).map(\.value)
        sessionName = try container.decodeIfPresent(IdentitySettings.SessionName.self, forKey: .sessionName)?.value
        duration = try container.decodeIfPresent(IdentitySettings.SessionDuration.self, forKey: .duration)?.value
    }
}

extension IdentitySettings.Container: Decodable {
    private enum Key: String, CodingKey {
        case uri
        case tokenFile = "token-file"
    }

    package init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        if try here.isSwitchedOn(orA: "{ uri: …, token-file: PATH }") {
            self = .environment
            return
        }
        let container = try decoder.container(keyedBy: Key.self)
        self = .endpoint(
            try container.decode(Located<String>.self, forKey: .uri),
            tokenFile: try container.decodeIfPresent(SettingsPath.self, forKey: .tokenFile))
    }
}

extension IdentitySettings.InstanceMetadata: Decodable {
    private enum Key: String, CodingKey { case role, endpoint }

    package init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        if try here.isSwitchedOn(orA: "{ role: NAME, endpoint: … }") {
            self.init(role: nil, endpoint: nil)
            return
        }
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            role: try container.decodeIfPresent(String.self, forKey: .role),
            endpoint: try container.decodeIfPresent(Located<HTTPAddress>.self, forKey: .endpoint))
    }
}

extension NodeDecoder {
    /// True for `true`, and where there is no value to go by; false for a mapping, which says more.
    fileprivate func isSwitchedOn(orA form: String) throws -> Bool {
        guard let node else { return true }
        guard node.mapping == nil else { return false }
        guard node.scalar?.text == "true" else { throw node.isNot("true or \(form)") }
        return true
    }
}
