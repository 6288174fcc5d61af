package import PouchKit

/// What `agent.yaml` says, with names, paths and quantities checked, and without any error.
///
/// Patterns, templates, sizes to compare with and the settings of adapters are checked by the modules that understand them:
/// they stay `Located`, so that those can point at the place.
package struct AgentConfiguration: Hashable, Sendable {
    /// Absolute path of the file.
    package let file: String
    /// Decodes the settings of adapters, and turns what is wrong into problems of the file.
    package let decoder: SettingsDecoder
    package let agent: AgentSettings
    package let network: NetworkSettings
    package let alerts: AlertSettings?
    package let aws: AWSSettings
    package let identities: [IdentityName: Located<IdentitySettings>]
    /// In the order of the file, as the next two.
    package let partners: [PartnerSettings]
    package let folders: [FolderSettings]
    package let routes: [RouteSettings]
    package let unmatched: UnmatchedPolicy
    package let publish: PublishSettings?

    /// It has no folders: it can publish what others stored, and nothing else.
    package var isPublisherOnly: Bool { publish != nil && folders.isEmpty }
}

/// `agent:`
package struct AgentSettings: Hashable, Sendable {
    /// ASCII letters, digits, `.`, `-` and `_`, at most 63; the host's name when none was written.
    package let name: String
    package let state: Located<SettingsPath>
    /// Where the status page listens; `nil`: nowhere.
    package let status: Located<ListenAddress>?
}

/// A host and a port to listen on: `127.0.0.1:9321`, `[::1]:9321`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    package let host: String
    package let port: Int

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// `network:`
package struct NetworkSettings: Hashable, Sendable {
    package enum Proxy: Hashable, Sendable {
        case none
        /// The credentials file holds `user:password`.
        case through(Located<HTTPAddress>, credentials: Located<SettingsPath>?)
    }

    package let proxy: Proxy
    package let caFile: Located<SettingsPath>?
}

/// `http://host:port` or `https://…`, without credentials, query or fragment.
package struct HTTPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without a slash at the end.
    package let description: String
    package let isSecure: Bool
}

/// `alerts:`
package struct AlertSettings: Hashable, Sendable {
    /// The program, absolute, and its arguments.
    package let command: Located<[String]>
}

/// `aws:` — another choice of AWS's own hosts, S3-compatible services, the sandbox.
package struct AWSSettings: Hashable, Sendable {
    package enum Service: String, Hashable, Sendable, CaseIterable {
        case s3, sts, sqs, kms, rolesanywhere
    }

    package let region: Located<String>?
    /// For each service that `endpoints` does not name.
    package let endpoint: Located<HTTPAddress>?
    package let endpoints: [Service: Located<HTTPAddress>]
    package let caFile: Located<SettingsPath>?
    /// AWS's hosts that answer on IPv6 too.
    package let isDualStack: Bool
    /// AWS's hosts with validated cryptography.
    package let isFIPS: Bool

    /// `nil`: AWS's own.
    package func endpoint(of service: Service) -> Located<HTTPAddress>? { endpoints[service] ?? endpoint }
}

/// One of `identities:`
package struct IdentitySettings: Hashable, Sendable {
    /// `from:`, exactly one of them.
    package enum Origin: Hashable, Sendable {
        /// A profile of the shared credentials file, or of the file given.
        case profile(Located<String>, file: Located<SettingsPath>?)
        case environment
        /// In the syntax of a credentials file, or a profile-less one.
        case file(Located<SettingsPath>)
        case rolesAnywhere(RolesAnywhere)
        case webIdentity(WebIdentity)
        case container(Container)
        case imds(InstanceMetadata)
        /// The program, absolute, and its arguments.
        case process([String])
    }

    package let origin: Located<Origin>
    /// The role to assume with the credentials of the origin; `nil`: they are used themselves.
    package let role: Role?

    package struct Role: Hashable, Sendable {
        /// `arn:aws:iam::111111111111:role/name`
        package let arn: Located<String>
        package let externalID: Located<String>?
        package let sessionName: Located<String>?
        /// 15 minutes to 12 hours; `nil`: what STS does by itself.
        package let duration: Located<TimeSpan>?
        /// A session for a partner may reach that partner's places only.
        package let isNarrowed: Bool
        /// In the order of the file.
        package let tags: [Tag]

        package struct Tag: Hashable, Sendable {
            package let key: String
            package let value: String
        }
    }
}

/// One of `partners:`
package struct PartnerSettings: Hashable, Sendable {
    package let name: Located<PartnerName>
    package let adapter: Located<AdapterName>
    /// What stands beside `with:`, for the adapter to decode: see `SettingsDecoder`.
    package let settings: ConfigurationNode
    package let limits: Limits
    /// `nil`: files leave as they are.
    package let seal: SealSettings?

    package struct Limits: Hashable, Sendable {
        /// Requests in flight for the partner.
        package let atOnce: Int
        package let bandwidth: ByteRate?
    }
}

/// `seal:` of a partner: its files are encrypted before they leave.
package struct SealSettings: Hashable, Sendable {
    /// The certificates of all who may open; at least one, each once.
    package let to: [Located<SettingsPath>]
    /// What a key ends in that does not by itself: `.cms`.
    package let suffix: String?
}

/// One of `folders:`
package struct FolderSettings: Hashable, Sendable {
    package let watch: Located<SettingsPath>
    package let recursive: Bool
    package let ready: Readiness
    /// Patterns as written; `nil` when the operator wrote none.
    package let ignore: [Located<String>]?
    package let sweep: TimeSpan
    package let then: Located<AfterDelivery>

    package enum Readiness: Hashable, Sendable {
        case closed
        case quiet(Located<TimeSpan>)
        /// The name of the file that says that `{name}` is whole.
        case marker(Located<String>)
    }

    /// What becomes of a file when its last delivery is done.
    package enum AfterDelivery: Hashable, Sendable {
        case keep
        case delete
        /// `keepFor` is `nil` when the archive is never pruned.
        case archive(SettingsPath, keepFor: TimeSpan?)
    }
}

/// One of `routes:`
package struct RouteSettings: Hashable, Sendable {
    package let name: Located<RouteName>
    package let folder: Located<String>?
    package let path: Located<String>?
    package let size: Located<String>?
    /// At least one, each once.
    package let to: [Located<PartnerName>]
    /// The template of the key. Where none was written: `{path}`, at the route's place.
    package let `as`: Located<String>
    /// No later route is looked at when this one matched.
    package let stop: Bool
}

/// `unmatched:`, what becomes of a drop that no route takes.
package enum UnmatchedPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    case hold, quarantine, ignore
}
