/// One organisation's account.
package struct AccountSettings: Sendable, Codable {
    package var id: String
    /// For people: "org A".
    package var name: String
    package var users: [UserSettings]
    package var roles: [RoleSettings]
    package var keys: [KeySettings]
    package var buckets: [BucketSettings]
    package var queues: [QueueSettings]
    package var topics: [TopicSettings]
    package var federation: FederationSettings?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, users, roles, keys, buckets, queues, topics, federation
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? id
        users = try container.decodeIfPresent([UserSettings].self, forKey: .users) ?? []
        roles = try container.decodeIfPresent([RoleSettings].self, forKey: .roles) ?? []
        keys = try container.decodeIfPresent([KeySettings].self, forKey: .keys) ?? []
        buckets = try container.decodeIfPresent([BucketSettings].self, forKey: .buckets) ?? []
        queues = try container.decodeIfPresent([QueueSettings].self, forKey: .queues) ?? []
        topics = try container.decodeIfPresent([TopicSettings].self, forKey: .topics) ?? []
        federation = try container.decodeIfPresent(FederationSettings.self, forKey: .federation)
    }
}

/// A user with an access key.
package struct UserSettings: Sendable, Codable {
    package var name: String
    /// The section under which the access key is written into the credentials file; none: it is not written.
    package var profile: String?
    /// Left out: made at the first start and kept.
    package var accessKey: String?
    package var secretKey: String?
    package var policies: [PolicySource]

    private enum CodingKeys: String, CodingKey, CaseIterable { case name, profile, accessKey, secretKey, policies }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        profile = try container.decodeIfPresent(String.self, forKey: .profile)
        accessKey = try container.decodeIfPresent(String.self, forKey: .accessKey)
        secretKey = try container.decodeIfPresent(String.self, forKey: .secretKey)
        policies = try container.decodeIfPresent([PolicySource].self, forKey: .policies) ?? []
    }

    package func arn(in account: String) -> String { "arn:aws:iam::\(account):user/\(name)" }
}

/// A role that others may assume.
package struct RoleSettings: Sendable, Codable {
    package var name: String
    package var trust: PolicySource
    package var policies: [PolicySource]
    /// Seconds.
    package var longestSession: Int64

    private enum CodingKeys: String, CodingKey, CaseIterable { case name, trust, policies, longestSession }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        trust = try container.decode(PolicySource.self, forKey: .trust)
        policies = try container.decodeIfPresent([PolicySource].self, forKey: .policies) ?? []
        longestSession = try container.decodeIfPresent(Int64.self, forKey: .longestSession) ?? 3_600
    }

    package func arn(in account: String) -> String { "arn:aws:iam::\(account):role/\(name)" }
}

/// A KMS key.
package struct KeySettings: Sendable, Codable {
    package enum State: String, Sendable, Codable {
        case enabled = "Enabled", disabled = "Disabled", pendingDeletion = "PendingDeletion", pendingImport = "PendingImport"
    }

    package var id: String
    package var region: String
    package var alias: String?
    package var state: State
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, `GENERATE_VERIFY_MAC`.
    package var usage: String
    package var policy: PolicySource

    private enum CodingKeys: String, CodingKey, CaseIterable { case id, region, alias, state, usage, policy }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        region = try container.decode(String.self, forKey: .region)
        alias = try container.decodeIfPresent(String.self, forKey: .alias)
        state = try container.decodeIfPresent(State.self, forKey: .state) ?? .enabled
        usage = try container.decodeIfPresent(String.self, forKey: .usage) ?? "ENCRYPT_DECRYPT"
        policy = try container.decode(PolicySource.self, forKey: .policy)
    }

    package init(id: String, region: String, alias: String?, policy: PolicySource) {
        self.id = id
        self.region = region
        self.alias = alias
        state = .enabled
        usage = "ENCRYPT_DECRYPT"
        self.policy = policy
    }

    package func arn(in account: String) -> String { "arn:aws:kms:\(region):\(account):key/\(id)" }
}

/// A bucket.
package struct BucketSettings: Sendable, Codable {
    package enum Versioning: String, Sendable, Codable { case enabled = "Enabled", suspended = "Suspended", never = "Never" }

    package enum Ownership: String, Sendable, Codable {
        case enforced = "BucketOwnerEnforced", preferred = "BucketOwnerPreferred", writer = "ObjectWriter"
    }

    package struct DefaultEncryption: Sendable, Codable {
        /// ARN of the key; none: AES256.
        package var key: String?
        package var bucketKey: Bool?
    }

    package var name: String
    package var region: String
    package var versioning: Versioning
    package var ownership: Ownership
    package var policy: PolicySource?
    package var encryption: DefaultEncryption
    package var notifications: [NotificationSettings]

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, region, versioning, ownership, policy, encryption, notifications
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        region = try container.decode(String.self, forKey: .region)
        versioning = try container.decodeIfPresent(Versioning.self, forKey: .versioning) ?? .never
        ownership = try container.decodeIfPresent(OwnershipSource.self, forKey: .ownership)?.ownership ?? .enforced
        policy = try container.decodeIfPresent(PolicySource.self, forKey: .policy)
        encryption = try container.decodeIfPresent(EncryptionSource.self, forKey: .encryption)?.settings ?? DefaultEncryption()
        notifications = try container.decodeIfPresent([NotificationSettings].self, forKey: .notifications) ?? []
    }

    package var arn: String { "arn:aws:s3:::\(name)" }
}
