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
        var joinsSegments = false
        /// `nil`: as long as that is no right to read.
        var asksInbox: Bool?
        var usesBucketKey = false
        var queue: EventQueue?
        var keepDays: Int?
    }

    static let newUser = "pouch-edge"

    let configuration: AgentConfiguration
    let wishes: Wishes

    /// - Throws: `Refusal` for a partner that has no Secure Inbox, and for identities without a role.
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
        let repository = PatternFacts.Place(plan.repository)
        guard generator.account == repository.owner else {
            throw Refusal(
                "the repository belongs to account \(repository.owner), and \(generator) to another",
                hint: "a kit is made for two organisations: one has roles and repository, the other inbox and key")
        }
        var choices = plan.choices
        choices.joinsSegments = choices.joinsSegments || wishes.joinsSegments
        choices.asksInbox = wishes.asksInbox ?? !choices.joinsSegments
        choices.usesBucketKey = wishes.usesBucketKey
        var kit = PartnerKit(
            partner: partner.name.value, generator: generator, publisher: publisher,
            generatorTrust: try trust(in: generator, plan.repository.identity),
            publisherTrust: try trust(in: publisher, inbox.identity),
            repository: repository, inbox: PatternFacts.Place(inbox), choices: choices)
        kit.queue = wishes.queue
        if let days = wishes.keepDays { kit.keepDays = days }
        if wishes.trust == nil { kit.newUser = Self.newUser }
        if case .profile(let name, _) = configuration.identities[plan.repository.identity]?.value.origin.value {
            kit.profile = name.value
        }
        return kit
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

    private func trust(in role: RoleARN, _ identity: IdentityName) throws(Refusal) -> Trust {
        let settings = configuration.identities[identity]?.value
        let externalID = settings?.role?.externalID?.value
        let isTagged = settings?.role?.tags.isEmpty == false
        switch wishes.trust {
        case .identity(let arn, _, _): return .identity(arn: arn, externalID: externalID, isTagged: isTagged)
        case .some(let trust): return trust
        case nil:
            switch settings?.origin.value {
            case .rolesAnywhere where settings?.role == nil:
                throw Refusal(
                    "identity '\(identity)' is entered by certificate, and agent.yaml does not say whose",
                    hint: "give --trust-anchor and --certificate-name")
            case .webIdentity where settings?.role == nil:
                throw Refusal(
                    "identity '\(identity)' is entered with a token, and agent.yaml does not say of whom",
                    hint: "give --oidc-provider and --oidc-subject")
            default:
                let partition = role.description.split(separator: ":")[1]
                let user = "arn:\(partition):iam::\(role.account):user/\(Self.newUser)"
                return .identity(arn: user, externalID: externalID, isTagged: isTagged)
            }
        }
    }
}
