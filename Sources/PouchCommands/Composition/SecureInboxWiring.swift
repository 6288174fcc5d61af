import PouchAWS
import PouchConfiguration
import PouchKit
import S3SecureInbox

/// Wires a Secure Inbox: identities to credentials, endpoints, and an engine of the partner's own.
struct SecureInboxWiring {
    let identities: IdentityWiring

    func destination(_ settings: S3SecureInboxSettings) -> (destination: S3SecureInbox?, problems: [SettingsProblem]) {
        let (plan, problems) = settings.checked(knowing: identities.roles, endpoint: identities.endpoint(of: .s3))
        guard let plan else { return (nil, problems) }
        let objections = objections(to: plan)
        guard objections.isEmpty else { return (nil, objections) }
        let link: AWSLink
        do {
            link = try identities.link()
        } catch {
            return (nil, [error])
        }
        let repository = plan.repository
        guard let generator = party(repository.identity, repository.place.region, plan.storePolicy, link) else { return (nil, []) }
        let publisher = plan.inbox.flatMap { party($0.identity, $0.place.region, plan.publishPolicy, link) }
        let reader = plan.receiptReader.flatMap { party($0, repository.place.region, plan.receiptPolicy, link) }
        let destination = S3SecureInbox(
            plan: plan,
            generator: generator,
            publisher: publisher,
            receiptReader: reader,
            neighbours: plan.inbox == nil ? neighbours(of: repository, link) : [],
            link: link,
            services: S3SecureInbox.Services(sts: identities.endpoint(of: .sts), kms: identities.endpoint(of: .kms))
        )
        return (destination, [])
    }

    /// All other identities of the file, as they are without being narrowed: what could be opened with them is asked by `doctor`.
    private func neighbours(of repository: InboxPlan.Repository, _ link: AWSLink) -> [S3SecureInbox.Party] {
        identities.identities.keys.sorted().filter { $0 != repository.identity }
            .compactMap { party($0, repository.place.region, nil, link) }
    }

    func party(_ name: IdentityName, _ region: Region, _ policy: String?, _ link: AWSLink) -> S3SecureInbox.Party? {
        identities.source(of: name, region: region, policy: policy, link: link).map {
            S3SecureInbox.Party(name: name, credentials: $0.credentials, role: $0.role)
        }
    }

    /// Regions without the hosts that `aws:` asks for.
    func objections(to plan: InboxPlan) -> [SettingsProblem] {
        let places = [("repository", plan.repository.place)] + (plan.inbox.map { [("inbox", $0.place)] } ?? [])
        return places.flatMap { key, place in
            AWSService.allCases.compactMap { service in
                let custom = service == .s3 ? place.endpoint : identities.endpoint(of: service)
                return identities.variant.objection(to: service, in: place.region, custom: custom)
            }.prefix(1).map { text in
                SettingsProblem(at: [key, "region"], text, hint: "look at dual-stack: and fips: under aws:")
            }
        }
    }
}
