/// May this caller do this? Written after the IAM User Guide, "Policy evaluation logic".
package struct PolicyQuestion: Sendable {
    package let caller: Caller
    package let action: String
    package let resource: String
    package let context: PolicyContext

    package init(caller: Caller, action: String, resource: String, context: PolicyContext) {
        self.caller = caller
        self.action = action
        self.resource = resource
        self.context = context
    }
}

/// The policy that hangs at the resource itself, and whose resource it is.
package struct ResourcePolicy: Sendable {
    package enum Kind: Sendable {
        /// Bucket policies: within one account the caller's own policies suffice.
        case optional
        /// Key policies and trust policies: nobody gets past them, not even with the account's own policies; naming the
        /// account (`:root`) hands the decision to them.
        case mandatory
    }

    package let document: PolicyDocument?
    package let account: String
    package let kind: Kind

    package init(document: PolicyDocument?, account: String, kind: Kind) {
        self.document = document
        self.account = account
        self.kind = kind
    }
}

package enum PolicyVerdict: Equatable, Sendable {
    case allowed
    /// A statement says no; its `Sid` where it has one.
    case denied(by: String)
    case notAllowedByIdentity
    case notAllowedByResource
    case notAllowedBySession

    package var isAllowed: Bool { self == .allowed }
}

extension PolicyQuestion {
    package func verdict(under resourcePolicy: ResourcePolicy) -> PolicyVerdict {
        let granted = grant(by: resourcePolicy.document)
        if case .denied(let statement) = granted { return .denied(by: "resource policy \(statement)") }
        let identity = opinion(of: caller.policies)
        if case .denied(let statement) = identity { return .denied(by: "identity policy \(statement)") }
        let session = caller.sessionPolicies.isEmpty ? Opinion.allowed : opinion(of: caller.sessionPolicies)
        if case .denied(let statement) = session { return .denied(by: "session policy \(statement)") }

        let isSameAccount = caller.account == resourcePolicy.account
        switch (granted, resourcePolicy.kind, isSameAccount) {
        case (.toSession, _, true): return .allowed
        case (.toPrincipal, _, true): return session == .allowed ? .allowed : .notAllowedBySession
        case (.silent, .mandatory, _), (.silent, _, false): return .notAllowedByResource
        case (.toAccount, _, _), (.silent, .optional, true), (_, _, false):
            guard identity == .allowed else { return .notAllowedByIdentity }
            return session == .allowed ? .allowed : .notAllowedBySession
        case (.denied(let statement), _, true): return .denied(by: statement)
        }
    }

    private enum Opinion: Equatable { case allowed, silent, denied(String) }

    /// What a resource's policy grants, by how it names the caller.
    private enum Grant: Equatable {
        case silent
        case toAccount
        case toPrincipal
        case toSession
        case denied(String)
    }

    private func opinion(of documents: [PolicyDocument]) -> Opinion {
        let statements = documents.flatMap(\.statements).filter { applies($0) }
        if let denial = statements.first(where: { $0.effect == .deny }) { return .denied(denial.sid ?? "without Sid") }
        return statements.isEmpty ? .silent : .allowed
    }

    private func grant(by document: PolicyDocument?) -> Grant {
        guard let document else { return .silent }
        var grant = Grant.silent
        for statement in document.statements {
            guard let principals = statement.principals, let match = match(principals), applies(statement) else { continue }
            if statement.effect == .deny { return .denied(statement.sid ?? "without Sid") }
            switch (grant, match) {
            case (_, .toSession): grant = .toSession
            case (.silent, _), (.toAccount, _): grant = match
            default: break
            }
        }
        return grant
    }

    private func match(_ principals: PrincipalPatterns) -> Grant? {
        let matches = principals.names.compactMap { name -> Grant? in
            switch name {
            case "*": .toPrincipal
            case caller.account, "arn:aws:iam::\(caller.account):root": .toAccount
            case caller.principalARN: .toPrincipal
            case caller.arn: .toSession
            default: nil
            }
        }
        if principals.isNegated { return matches.isEmpty ? .toPrincipal : nil }
        return matches.contains(.toSession)
            ? .toSession : matches.contains(.toPrincipal) ? .toPrincipal : matches.first
    }

    private func applies(_ statement: PolicyStatement) -> Bool {
        statement.applies(to: action, on: resource, in: context)
    }
}

extension PolicyStatement {
    func applies(to action: String, on resource: String, in context: PolicyContext) -> Bool {
        guard isAbout(action) else { return false }
        let isResource =
            resources.map { patterns in
                patterns.match { Wildcard.matches(PolicyCondition.resolvingVariables($0, in: context), resource) }
            } ?? true
        return isResource && conditions.allSatisfy { $0.holds(in: context) }
    }
}

extension PolicyDocument {
    /// Whether a service may do this by itself, under the policy of the resource: it has no policies of its own.
    package func lets(service: String, do action: String, to resource: String, context: PolicyContext) -> Bool {
        let matching = statements.filter { statement in
            guard let principals = statement.principals else { return false }
            let isNamed = principals.services.contains(service) || principals.names.contains("*")
            return isNamed != principals.isNegated && statement.applies(to: action, on: resource, in: context)
        }
        return !matching.isEmpty && matching.allSatisfy { $0.effect == .allow }
    }
}
