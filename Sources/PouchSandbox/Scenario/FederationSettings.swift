import FoundationEssentials
import PouchFiles

/// What lets others than users become an account's roles.
package struct FederationSettings: Sendable, Codable {
    /// Identity providers whose tokens are taken.
    package var providers: [IdentityProviderSettings]
    /// Authorities whose certificates are taken (IAM Roles Anywhere).
    package var trustAnchors: [TrustAnchorSettings]
    package var profiles: [AnywhereProfileSettings]
    /// The role of the instance that the sandbox stands for; none: it has none.
    package var instanceRole: String?
    /// The containers that the sandbox stands for.
    package var tasks: [TaskSettings]

    private enum CodingKeys: String, CodingKey, CaseIterable { case providers, trustAnchors, profiles, instanceRole, tasks }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        providers = try container.decodeIfPresent([IdentityProviderSettings].self, forKey: .providers) ?? []
        trustAnchors = try container.decodeIfPresent([TrustAnchorSettings].self, forKey: .trustAnchors) ?? []
        profiles = try container.decodeIfPresent([AnywhereProfileSettings].self, forKey: .profiles) ?? []
        instanceRole = try container.decodeIfPresent(String.self, forKey: .instanceRole)
        tasks = try container.decodeIfPresent([TaskSettings].self, forKey: .tasks) ?? []
    }
}

/// An OpenID Connect provider.
package struct IdentityProviderSettings: Sendable, Codable {
    /// As tokens name it: `https://issuer.example/path`.
    package var issuer: String
    /// The audiences that are taken.
    package var clientIDs: [String]
    /// Its public key. AWS fetches keys from the issuer; here they stand in the scenario.
    package var key: PEMSource
}

/// An authority.
package struct TrustAnchorSettings: Sendable, Codable {
    package var id: String
    package var region: String
    package var certificate: PEMSource

    package func arn(in account: String) -> String { "arn:aws:rolesanywhere:\(region):\(account):trust-anchor/\(id)" }
}

/// Which roles certificates may become.
package struct AnywhereProfileSettings: Sendable, Codable {
    package var id: String
    package var region: String
    /// By name.
    package var roles: [String]
    /// Seconds; no session of it is longer.
    package var longestSession: Int64
    package var acceptsSessionName: Bool
    package var isEnabled: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, region, roles, longestSession, acceptsSessionName
        case isEnabled = "enabled"
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        region = try container.decode(String.self, forKey: .region)
        roles = try container.decode([String].self, forKey: .roles)
        longestSession = try container.decodeIfPresent(Int64.self, forKey: .longestSession) ?? 3_600
        acceptsSessionName = try container.decodeIfPresent(Bool.self, forKey: .acceptsSessionName) ?? false
        isEnabled = try container.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? true
    }

    package func arn(in account: String) -> String { "arn:aws:rolesanywhere:\(region):\(account):profile/\(id)" }
}

/// A container with a role.
package struct TaskSettings: Sendable, Codable {
    /// Where it finds its credentials: `/v2/credentials/…`.
    package var path: String
    /// What it must show; none: nothing.
    package var token: String?
    package var role: String
}

/// A PEM text inline, or the path of a file that holds it.
package struct PEMSource: Sendable, Codable {
    package let text: String

    package init(from decoder: any Decoder) throws {
        let written = try decoder.singleValueContainer().decode(String.self)
        guard !written.hasPrefix("-----BEGIN ") else {
            text = written
            return
        }
        let folder = decoder.userInfo[PolicySource.folderKey] as? String ?? "."
        do {
            let bytes = try OpenFile.open(written.hasPrefix("/") ? written : folder + "/" + written).readAll(limit: 1 << 20)
            text = String(decoding: bytes, as: UTF8.self)
        } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(error)"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
