import Foundation
import PouchAWS
import PouchConfiguration
import PouchHTTP
import PouchKit

/// Wires the identities of a configuration: each names its source, and nothing is looked for anywhere else.
struct IdentityWiring {
    private static let sessionName = "pouch"

    let identities: [IdentityName: Located<IdentitySettings>]
    let aws: AWSSettings
    let network: NetworkSettings
    var environment = ProcessInfo.processInfo.environment
    var clock: any AgentClock = SystemClock()

    init(_ parts: SoundParts) {
        identities = parts.identities
        aws = parts.aws
        network = parts.network
    }

    init(_ configuration: AgentConfiguration) {
        identities = configuration.identities
        aws = configuration.aws
        network = configuration.network
    }

    /// The identities by name, with the role that each ends in. What is wrong with a role's name was said where it stands.
    var roles: [IdentityName: RoleARN?] {
        var roles: [IdentityName: RoleARN?] = [:]
        for (name, identity) in identities { roles.updateValue(role(of: identity.value), forKey: name) }
        return roles
    }

    var variant: EndpointVariant { EndpointVariant(isDualStack: aws.isDualStack, isFIPS: aws.isFIPS) }

    func endpoint(of service: AWSService) -> EndpointURL? {
        AWSSettings.Service(rawValue: service.rawValue).flatMap(aws.endpoint(of:)).flatMap {
            try? EndpointURL($0.value.description)
        }
    }

    /// A link of its own to AWS.
    ///
    /// - Throws: `SettingsProblem` when the proxy's credentials cannot be read.
    func link() throws(SettingsProblem) -> AWSLink {
        AWSLink(transport: HTTPEngine(network: try reach()), clock: clock, variant: variant)
    }

    /// Where the credentials of an identity come from.
    ///
    /// - Parameters:
    ///   - region: Of STS, unless the configuration names one.
    ///   - policy: What sessions are narrowed to, where the identity wants that.
    ///   - link: Of the lane.
    func source(
        of name: IdentityName,
        region: Region,
        policy: String?,
        link: AWSLink
    ) -> (credentials: any CredentialSource, role: RoleARN?)? {
        guard let identity = identities[name]?.value else { return nil }
        let surroundings = surroundings(identity, region: region, link: link)
        guard let base = origin(identity.origin.value, surroundings) else { return nil }
        guard let settings = identity.role, let arn = role(of: identity) else { return (base, role(of: identity)) }
        let request = STS.RoleRequest(
            role: arn,
            sessionName: settings.sessionName?.value ?? Self.sessionName,
            externalID: settings.externalID?.value,
            duration: settings.duration?.value.duration,
            policy: settings.isNarrowed ? policy : nil,
            tags: settings.tags.map { STS.Tag(key: $0.key, value: $0.value) }
        )
        return (surroundings.role(request, from: base), arn)
    }

    private func role(of identity: IdentitySettings) -> RoleARN? {
        let text =
            identity.role?.arn.value
            ?? {
                switch identity.origin.value {
                case .rolesAnywhere(let settings): settings.role.value
                case .webIdentity(let settings): settings.role.value
                case .profile, .environment, .file, .container, .imds, .process: nil
                }
            }()
        return text.flatMap { try? RoleARN($0) }
    }

    private func origin(
        _ origin: IdentitySettings.Origin,
        _ surroundings: CredentialSurroundings
    ) -> (any CredentialSource)? {
        switch origin {
        case .environment: return EnvironmentCredentials(environment)
        case .file(let path): return CredentialsFile(path: path.value.absolute)
        case .profile(let name, let file):
            let locations =
                file.map { ProfileLocations(file: $0.value.absolute) } ?? ProfileLocations(environment: environment)
            return ProfileCredentials(name.value, locations: locations, surroundings: surroundings)
        case .rolesAnywhere(let settings): return rolesAnywhere(settings, surroundings)
        case .webIdentity(let settings):
            return (try? RoleARN(settings.role.value)).map { role in
                let request = STS.WebIdentityRequest(
                    role: role, sessionName: settings.sessionName ?? Self.sessionName, duration: settings.duration?.duration)
                return surroundings.webIdentity(request, tokenFile: settings.tokenFile.absolute)
            }
        case .container(.environment): return surroundings.container()
        case .container(.endpoint(let uri, let tokenFile)):
            let authorization = tokenFile.map { ContainerEndpoint.Authorization.file($0.absolute) } ?? .none
            return (try? ContainerEndpoint(uri: uri.value, authorization: authorization)).map(surroundings.container)
        case .imds(let settings):
            let endpoint = settings.endpoint.flatMap { try? EndpointURL($0.value.description) }
            return surroundings.instance(role: settings.role, at: endpoint)
        case .process(let command): return surroundings.process(command)
        }
    }

    private func rolesAnywhere(
        _ settings: IdentitySettings.RolesAnywhere,
        _ surroundings: CredentialSurroundings
    ) -> (any CredentialSource)? {
        guard let role = try? RoleARN(settings.role.value),
            let anchor = try? RolesAnywhereARN(settings.trustAnchor.value, kind: .trustAnchor),
            let profile = try? RolesAnywhereARN(settings.profile.value, kind: .profile)
        else { return nil }
        let request = RolesAnywhere.SessionRequest(
            role: role, trustAnchor: anchor, profile: profile, sessionName: settings.sessionName,
            duration: settings.duration?.duration)
        let files = CertificateFiles(
            certificate: settings.certificate.absolute, key: settings.key.absolute, chain: settings.chain?.absolute)
        return surroundings.rolesAnywhere(request, with: files)
    }

    private func surroundings(_ identity: IdentitySettings, region: Region, link: AWSLink) -> CredentialSurroundings {
        CredentialSurroundings(
            link: link,
            nearbyLink: nearbyLink(for: identity.origin.value, otherwise: link),
            region: aws.region.flatMap { try? Region($0.value) } ?? region,
            sts: endpoint(of: .sts),
            rolesAnywhere: endpoint(of: .rolesanywhere),
            environment: environment,
            sessionName: Self.sessionName)
    }

    /// A container's agent and the metadata service are never behind a proxy, and what they answer must not pass through one.
    private func nearbyLink(for origin: IdentitySettings.Origin, otherwise link: AWSLink) -> AWSLink {
        guard case .through = network.proxy else { return link }
        switch origin {
        case .container, .imds, .profile:
            return AWSLink(
                transport: HTTPEngine(network: HTTPNetwork(proxy: .none, caFile: caFile), maximumConnections: 1), clock: clock)
        case .environment, .file, .rolesAnywhere, .webIdentity, .process: return link
        }
    }

    private var caFile: String? { (aws.caFile ?? network.caFile)?.value.absolute }

    private func reach() throws(SettingsProblem) -> HTTPNetwork {
        switch network.proxy {
        case .none: return HTTPNetwork(proxy: .none, caFile: caFile)
        case .through(let address, let credentials):
            guard let file = credentials else {
                return HTTPNetwork(proxy: .through(ProxyServer(url: address.value.description)), caFile: caFile)
            }
            let text = try SecretFile.read(file.value.absolute).reveal()
            let fields = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let proxy = ProxyServer(
                url: address.value.description,
                user: fields.first,
                password: fields.count > 1 ? Secret(fields[1]) : nil
            )
            return HTTPNetwork(proxy: .through(proxy), caFile: caFile)
        }
    }
}
