import PouchAWS
import PouchConfiguration
import PouchKit
import PouchPartnerKit
import S3SecureInbox

/// Makes a partner's kit of what agent.yaml says, and of what only the command line knows.
struct PartnerKitWiring {
    /// What agent.yaml does not tell.
    struct Wishes {
        /// Who becomes the roles; `nil`: a user that the kit makes.
        var trust: Trust?
        /// Who becomes the publisher's role, where that is somebody else.
        var publisherTrust: Trust?
        var joinsSegments = false
        /// `nil`: as long as that is no right to read, and wherever it must be.
        var asksInbox: Bool?
        var usesBucketKey = false
        var queue: EventQueue?
        var keepDays: Int?
    }

    static let newUser = "pouch-edge"
    static let newPublisherUser = "pouch-publisher"

    let configuration: AgentConfiguration
    let wishes: Wishes

    /// - Throws: `Refusal` for a partner that has no Secure Inbox, for identities without a role or with the same one, and for choices
    ///   with which no file could arrive.
    func kit(for partner: PartnerSettings) throws(Refusal) -> PartnerKit {
        let roles = IdentityWiring(configuration).roles
        let plan = try plan(of: partner, roles)
        guard let inbox = plan.inbox else {
            throw Refusal(
                "agent.yaml does not say where \(partner.name.value) receives",
                hint: "add inbox: to its settings; publish may stay elsewhere")
        }
        let generator = try role(plan.repository.identity, roles)
        let publisher = try role(inbox.identity, roles)
        guard generator != publisher else {
            throw Refusal(
                "\(generator) both stores and publishes: who seals must not read, and who publishes must",
                hint: "give repository.as and inbox.as two identities, each with a role of its own")
        }
        for place in [plan.repository.place, inbox.place] where place.name.accessPoint != nil {
            throw Refusal(
                "\(place.name) is an access point, and a kit is the policy of a bucket",
                hint: "name the bucket itself while the kit is made, and give the access point a policy that delegates to it")
        }
        let (generatorTrust, publisherTrust) = try trusts(generator, plan.repository.identity, publisher, inbox.identity)
        let repository = PatternFacts.Place(plan.repository)
        guard generator.account == repository.owner else {
            throw Refusal(
                "the repository belongs to account \(repository.owner), and \(generator) to another",
                hint: "a kit is made for two organisations: one has roles and repository, the other inbox and key")
        }
        var choices = plan.choices
        choices.joinsSegments = choices.joinsSegments || wishes.joinsSegments
        choices.asksInbox = try asksInbox(joinsSegments: choices.joinsSegments)
        choices.usesBucketKey = wishes.usesBucketKey
        choices.readsReceipts = try receiptReader(of: partner) == plan.repository.identity
        var kit = PartnerKit(
            partner: partner.name.value, generator: generator, publisher: publisher,
            generatorTrust: generatorTrust, publisherTrust: publisherTrust,
            repository: repository, inbox: PatternFacts.Place(inbox), choices: choices)
        kit.queue = wishes.queue
        if let days = wishes.keepDays { kit.keepDays = days }
        if wishes.trust == nil { kit.newUsers.append(Self.newUser) }
        if wishes.queue != nil, wishes.publisherTrust == nil { kit.newUsers.append(Self.newPublisherUser) }
        if let name = profile(of: plan.repository.identity) { kit.profiles.generator = name }
        if let name = profile(of: inbox.identity), name != kit.profiles.generator { kit.profiles.publisher = name }
        return kit
    }

    /// A publisher of its own keeps no journal: whether a taken key is its own delivery it can only ask.
    private func asksInbox(joinsSegments: Bool) throws(Refusal) -> Bool {
        guard wishes.queue != nil else { return wishes.asksInbox ?? !joinsSegments }
        guard wishes.asksInbox != false else {
            throw Refusal(
                "a publisher that is fed by a queue must be allowed to ask the inbox: it has no journal to tell its own deliveries by",
                hint: "leave --no-ask out; docs/publisher.md says what asking is for")
        }
        return true
    }

    private func receiptReader(of partner: PartnerSettings) throws(Refusal) -> IdentityName? {
        let settings = try? configuration.decoder.decode(S3SecureInboxSettings.self, from: partner.settings)
        return settings?.receipts.flatMap { try? IdentityName($0.identity) }
    }

    private func profile(of identity: IdentityName) -> String? {
        guard case .profile(let name, _) = configuration.identities[identity]?.value.origin.value else { return nil }
        return name.value
    }

    /// Who publishes elsewhere is somebody else: a host that could become both roles would hold what was to be kept apart.
    private func trusts(
        _ generator: RoleARN, _ storing: IdentityName, _ publisher: RoleARN, _ publishing: IdentityName
    ) throws(Refusal) -> (generator: Trust, publisher: Trust) {
        let first = try trust(in: generator, storing, by: wishes.trust, otherwise: Self.newUser)
        guard wishes.queue != nil else {
            let other = wishes.publisherTrust ?? wishes.trust
            return (first, try trust(in: publisher, publishing, by: other, otherwise: Self.newUser))
        }
        let second = try trust(
            in: publisher, publishing, by: wishes.publisherTrust, otherwise: Self.newPublisherUser)
        guard first.principal != second.principal else {
            throw Refusal(
                "with --queue the publisher is another host, and both roles would be entered by \(first.principal)",
                hint:
                    "give the publisher a principal of its own: --publisher-edge, --publisher-certificate-name or --publisher-oidc-subject"
            )
        }
        return (first, second)
    }

    private func plan(of partner: PartnerSettings, _ roles: S3SecureInboxSettings.Identities) throws(Refusal) -> InboxPlan {
        guard partner.adapter.value == S3SecureInbox.adapterName else {
            throw Refusal(
                "\(partner.name.value) is delivered to with \(partner.adapter.value), for which there is no kit",
                hint: "kits are for partners with: \(S3SecureInbox.adapterName)")
        }
        let problem: String
        do {
            var settings = try configuration.decoder.decode(S3SecureInboxSettings.self, from: partner.settings)
            // Whoever publishes, the inbox and its policies are the same.
            if settings.inbox != nil {
                settings.publish = .here
                settings.receipts = nil
            }
            let (plan, problems) = settings.checked(knowing: roles)
            if let plan { return plan }
            problem = problems.map(\.description).joined(separator: "; ")
        } catch {
            problem = "\(error)"
        }
        throw Refusal("the settings of \(partner.name.value) cannot be used: \(problem)")
    }

    private func role(_ identity: IdentityName, _ roles: S3SecureInboxSettings.Identities) throws(Refusal) -> RoleARN {
        guard let role = roles[identity] ?? nil else {
            throw Refusal(
                "identity '\(identity)' ends in no role, and policies need one to name",
                hint: "give it a role: the kit makes it, and lets the machine that has the keys become it")
        }
        return role
    }

    private func trust(
        in role: RoleARN, _ identity: IdentityName, by wish: Trust?, otherwise newUser: String
    ) throws(Refusal) -> Trust {
        let settings = configuration.identities[identity]?.value
        let externalID = settings?.role?.externalID?.value
        let isTagged = settings?.role?.tags.isEmpty == false
        switch wish {
        case .identity(let arn, _, _): return .identity(arn: arn, externalID: externalID, isTagged: isTagged)
        case .some(let trust): return trust
        case nil:
            switch settings?.origin.value {
            case .rolesAnywhere where settings?.role == nil:
                throw Refusal(
                    "identity '\(identity)' is entered by certificate, and agent.yaml does not say whose",
                    hint: "give --trust-anchor and --certificate-name, and with --queue --publisher-certificate-name")
            case .webIdentity where settings?.role == nil:
                throw Refusal(
                    "identity '\(identity)' is entered with a token, and agent.yaml does not say of whom",
                    hint: "give --oidc-provider and --oidc-subject, and with --queue --publisher-oidc-subject")
            default:
                let partition = role.description.split(separator: ":")[1]
                let user = "arn:\(partition):iam::\(role.account):user/\(newUser)"
                return .identity(arn: user, externalID: externalID, isTagged: isTagged)
            }
        }
    }
}
