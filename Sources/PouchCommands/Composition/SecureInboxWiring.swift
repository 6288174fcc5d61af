import Foundation
import PouchAWS
import PouchConfiguration
import PouchHTTP
import PouchKit
import S3SecureInbox

/// Wires a Secure Inbox: identities to credentials, endpoints, and an engine of the partner's own.
struct SecureInboxWiring {
    private static let sessionName = "pouch"

    let parts: SoundParts
    var environment = ProcessInfo.processInfo.environment
    var clock: any AgentClock = SystemClock()

    func destination(_ settings: S3SecureInboxSettings) -> (destination: S3SecureInbox?, problems: [SettingsProblem]) {
        let known = roles()
        let (plan, problems) = settings.checked(knowing: known, endpoint: endpoint(of: .s3))
        guard let plan else { return (nil, problems) }
        let network: HTTPNetwork
        do {
            network = try self.network()
        } catch {
            return (nil, [error])
        }
        let link = AWSLink(transport: HTTPEngine(network: network), clock: clock)
        guard let generator = party(plan.repository.identity, role: known, region: plan.repository.place.region, link: link) else {
            return (nil, [])
        }
        let publisher = plan.inbox.flatMap { party($0.identity, role: known, region: $0.place.region, link: link) }
        let destination = S3SecureInbox(
            plan: plan,
            generator: generator,
            publisher: publisher,
            link: link,
            services: S3SecureInbox.Services(sts: endpoint(of: .sts), kms: endpoint(of: .kms))
        )
        return (destination, [])
    }

    /// The identities by name, with the role that each ends in. What is wrong with a role's name was said where it stands.
    private func roles() -> S3SecureInboxSettings.Identities {
        var roles: S3SecureInboxSettings.Identities = [:]
        for (name, identity) in parts.identities {
            roles.updateValue(identity.value.role.flatMap { try? RoleARN($0.arn.value) }, forKey: name)
        }
        return roles
    }

    private func party(
        _ name: IdentityName,
        role known: S3SecureInboxSettings.Identities,
        region: Region,
        link: AWSLink
    ) -> S3SecureInbox.Party? {
        guard let identity = parts.identities[name]?.value else { return nil }
        let base = origin(identity.origin.value, region: region, link: link)
        guard let settings = identity.role, let arn = known[name] ?? nil else {
            return S3SecureInbox.Party(name: name, credentials: base, role: nil)
        }
        let request = STS.RoleRequest(
            role: arn,
            sessionName: settings.sessionName?.value ?? Self.sessionName,
            externalID: settings.externalID?.value,
            duration: settings.duration?.value.duration
        )
        let credentials = RefreshingCredentials.role(
            request, from: base, region: stsRegion(region), endpoint: endpoint(of: .sts), link: link)
        return S3SecureInbox.Party(name: name, credentials: credentials, role: arn)
    }

    private func origin(_ origin: IdentitySettings.Origin, region: Region, link: AWSLink) -> any CredentialSource {
        switch origin {
        case .environment: EnvironmentCredentials(environment)
        case .file(let path): CredentialsFile(path: path.value.absolute)
        case .profile(let name, let file):
            ProfileCredentials(
                name.value,
                locations: file.map { ProfileLocations(file: $0.value.absolute) } ?? ProfileLocations(environment: environment),
                environment: environment,
                sessionName: Self.sessionName,
                region: stsRegion(region),
                endpoint: endpoint(of: .sts),
                link: link
            )
        }
    }

    private func stsRegion(_ region: Region) -> Region { parts.aws.region.flatMap { try? Region($0.value) } ?? region }

    private func endpoint(of service: AWSSettings.Service) -> EndpointURL? {
        parts.aws.endpoint(of: service).flatMap { try? EndpointURL($0.value.description) }
    }

    private func network() throws(SettingsProblem) -> HTTPNetwork {
        let caFile = (parts.aws.caFile ?? parts.network.caFile)?.value.absolute
        switch parts.network.proxy {
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
