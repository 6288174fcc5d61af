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
    var delivering: [Finding.Fix] {
        [fix(.publisherDelivers, inInbox: true), fix(.deliverIntoInbox, of: .publisher)].compactMap(\.self)
    }

    var asking: [Finding.Fix] {
        [fix(.publisherAsksWhoseAnObjectIs, inInbox: true), fix(.askWhoseAnObjectIs, of: .publisher)].compactMap(\.self)
    }

    var handingOver: [Finding.Fix] {
        [fix(.publisherHandsOverOwnership, inInbox: true), fix(.handOverOwnership, of: .publisher)].compactMap(\.self)
    }

    func ofInbox(_ name: StatementName) -> [Finding.Fix] { [fix(name, inInbox: true)].compactMap(\.self) }

    func ofRole(_ name: StatementName, _ role: Role) -> [Finding.Fix] { [fix(name, of: role)].compactMap(\.self) }

    // MARK: Documents

    private func own(_ action: String, _ role: Role) -> [Finding.Fix] {
        let statement = policy(of: role).statements.first { $0.effect == .allow && $0.actions.contains(action) }
        return statement.flatMap { fix($0.name, of: role) }.map { [$0] } ?? []
    }

    private func foreign(_ action: String, _ role: Role) -> [Finding.Fix] {
        let name: StatementName? =
            switch (action, role) {
            case ("kms:GenerateDataKey", .generator): .generatorSealsIntoRepository
            case ("kms:Decrypt", .generator): .generatorReopensParts
            case ("kms:GenerateDataKey", .publisher): .publisherSealsIntoInbox
            case ("kms:Decrypt", .publisher): .publisherOpensRepository
            case ("kms:DescribeKey", _): .preflightMayDescribe
            default: nil
            }
        guard let name else { return action == "s3:PutObject" && role == .publisher ? ofInbox(.publisherDelivers) : [] }
        let key =
            name == .publisherSealsIntoInbox || (name == .preflightMayDescribe && role == .publisher)
            ? facts.inbox.key : facts.repository.key
        guard let statement = facts.keyPolicy(of: key)[name] else { return [] }
        return [fix(statement, by: key.account, place: "the key policy of \(key)")]
    }

    private func policy(of role: Role) -> Policy { role == .generator ? facts.generatorPolicy : facts.publisherPolicy }

    private func fix(_ name: StatementName, of role: Role) -> Finding.Fix? {
        guard let statement = policy(of: role)[name] else { return nil }
        let principal = role == .generator ? facts.generator : facts.publisher
        return fix(statement, by: facts.repository.owner, place: "the policy of \(principal)")
    }

    private func fix(_ name: StatementName, inInbox: Bool) -> Finding.Fix? {
        guard let statement = facts.inboxBucketPolicy[name] else { return nil }
        return fix(statement, by: facts.inbox.owner, place: "the bucket policy of \(facts.inbox.bucket)")
    }

    private func fix(_ statement: Policy.Statement, by account: AccountID, place: String) -> Finding.Fix {
        let whose = account == facts.repository.owner ? "your own organisation" : "the partner"
        return Finding.Fix(by: "\(whose) (account \(account))", place: place, addition: statement.json.pretty())
    }
}
