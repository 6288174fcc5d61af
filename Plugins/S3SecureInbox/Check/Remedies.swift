import PouchAWS
import PouchKit
import PouchPartnerKit

/// Finds the statement that would allow what was refused, and who must add it where: the statements are those of the partner kit.
struct Remedies: Sendable {
    enum Role: Sendable { case generator, publisher }

    private let facts: PatternFacts

    /// - Parameters:
    ///   - generator: As policies name it.
    ///   - publisher: The same where nobody publishes here.
    init(plan: InboxPlan, generator: String, publisher: String) {
        let repository = PatternFacts.Place(plan.repository)
        facts = PatternFacts(
            generator: generator, publisher: publisher, repository: repository,
            inbox: plan.inbox.map(PatternFacts.Place.init) ?? repository, choices: plan.choices)
    }

    func fixes(for refusal: RefusedAction, as role: Role) -> [Finding.Fix] {
        switch refusal.side {
        case .identity: own(refusal.action, role)
        case .resource: foreign(refusal.action, role)
        case .unsaid: foreign(refusal.action, role) + own(refusal.action, role)
        // Nothing that is added helps: something must go.
        case .session, .denial, .above: []
        }
    }

    /// For a copy that was refused without a reason, when leaving things out did not help.
    var delivering: [Finding.Fix] { ofInbox(.publisherDelivers) + ofRole(.deliverIntoInbox, .publisher) }

    var asking: [Finding.Fix] { ofInbox(.publisherAsksWhoseAnObjectIs) + ofRole(.askWhoseAnObjectIs, .publisher) }

    var handingOver: [Finding.Fix] { ofInbox(.publisherHandsOverOwnership) + ofRole(.handOverOwnership, .publisher) }

    /// For parts that the publisher was refused to add to an object in the inbox.
    func joining(_ refusal: RefusedAction?) -> [Finding.Fix] {
        let ours = ofRole(.reopenJoinedParts, .publisher)
        let theirs = ofKey(facts.inbox.key, .publisherReopensJoinedParts)
        switch refusal?.side {
        case .identity: return ours
        case .resource: return theirs
        case .unsaid, nil: return theirs + ours
        case .session, .denial, .above: return []
        }
    }

    /// For uploads of the publisher that it may not look into or end.
    var keepingUploads: [Finding.Fix] { ofInbox(.publisherJoinsSegments) + ofRole(.joinSegments, .publisher) }

    var readingReceipts: [Finding.Fix] { ofRole(.readReceipts, .generator) + ofRole(.neverRead, .generator) }

    func ofInbox(_ name: StatementName) -> [Finding.Fix] {
        fixes(facts.inboxBucketPolicy[name], by: facts.inbox.owner, place: "the bucket policy of \(facts.inbox.bucket)")
    }

    func ofRole(_ name: StatementName, _ role: Role) -> [Finding.Fix] {
        let principal = role == .generator ? facts.generator : facts.publisher
        return fixes(policy(of: role)[name], by: facts.repository.owner, place: "the policy of \(principal)")
    }

    // MARK: Documents

    private func own(_ action: String, _ role: Role) -> [Finding.Fix] {
        let granting = policy(of: role).statements.first { $0.effect == .allow && $0.actions.contains(action) }
        return granting.map { ofRole($0.name, role) } ?? []
    }

    private func foreign(_ action: String, _ role: Role) -> [Finding.Fix] {
        switch (action, role) {
        case ("kms:GenerateDataKey", .generator): ofKey(facts.repository.key, .generatorSealsIntoRepository)
        case ("kms:Decrypt", .generator): ofKey(facts.repository.key, .generatorReopensParts)
        case ("kms:Decrypt", .publisher): ofKey(facts.repository.key, .publisherOpensRepository)
        case ("kms:GenerateDataKey", .publisher): ofKey(facts.inbox.key, .publisherSealsIntoInbox)
        case ("kms:DescribeKey", .generator): ofKey(facts.repository.key, .preflightMayDescribe)
        case ("kms:DescribeKey", .publisher): ofKey(facts.inbox.key, .preflightMayDescribe)
        case ("s3:PutObject", .publisher): ofInbox(.publisherDelivers)
        default: []
        }
    }

    private func ofKey(_ key: KeyARN, _ name: StatementName) -> [Finding.Fix] {
        fixes(facts.keyPolicy(of: key)[name], by: key.account, place: "the key policy of \(key)")
    }

    private func policy(of role: Role) -> Policy { role == .generator ? facts.generatorPolicy : facts.publisherPolicy }

    /// None for a statement that the choices leave out.
    private func fixes(_ statement: Policy.Statement?, by account: AccountID, place: String) -> [Finding.Fix] {
        guard let statement else { return [] }
        let whose = account == facts.repository.owner ? "your own organisation" : "the partner"
        return [Finding.Fix(by: "\(whose) (account \(account))", place: place, addition: statement.json.pretty())]
    }
}
