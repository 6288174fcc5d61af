/// A policy as IAM, S3, KMS and SQS take it.
package struct Policy: Hashable, Sendable {
    package var statements: [Statement]

    package init(_ statements: [Statement]) { self.statements = statements }

    package var json: JSONText {
        .members(["Version": .text("2012-10-17"), "Statement": .list(statements.map(\.json))])
    }

    package subscript(_ name: StatementName) -> Statement? { statements.first { $0.name == name } }

    /// One statement, and why it is there.
    package struct Statement: Hashable, Sendable {
        package enum Effect: String, Hashable, Sendable { case allow = "Allow", deny = "Deny" }

        package let name: StatementName
        /// One sentence for whoever must approve it.
        package let reason: String
        package let effect: Effect
        /// `nil` in the policy of an identity: it is about whom it hangs on.
        package let principal: Principal?
        package let actions: [String]
        /// Empty in a trust policy: the role itself.
        package let resources: [String]
        /// Whether it is about everything but the resources.
        package let exceptsResources: Bool
        package let conditions: [Condition]

        package init(
            _ name: StatementName,
            because reason: String,
            effect: Effect = .allow,
            to principal: Principal? = nil,
            _ actions: [String],
            on resources: [String],
            exceptingThese exceptsResources: Bool = false,
            when conditions: [Condition] = []
        ) {
            self.name = name
            self.reason = reason
            self.effect = effect
            self.principal = principal
            self.actions = actions
            self.resources = resources
            self.exceptsResources = exceptsResources
            self.conditions = conditions
        }

        package var json: JSONText {
            var members: [JSONText.Member] = [
                .init(name: "Sid", value: .text(name.rawValue)), .init(name: "Effect", value: .text(effect.rawValue)),
            ]
            if let principal { members.append(.init(name: "Principal", value: principal.json)) }
            members.append(.init(name: "Action", value: .oneOrMore(actions)))
            if !resources.isEmpty {
                members.append(.init(name: exceptsResources ? "NotResource" : "Resource", value: .oneOrMore(resources)))
            }
            if !conditions.isEmpty { members.append(.init(name: "Condition", value: Condition.json(of: conditions))) }
            return .object(members)
        }
    }

    /// Whom a statement of a resource's policy is about.
    package enum Principal: Hashable, Sendable {
        case everybody
        /// Roles, users or whole accounts, by their ARNs.
        case identities([String])
        case service(String)
        /// An identity provider, by its ARN.
        case federated(String)

        var json: JSONText {
            switch self {
            case .everybody: .text("*")
            case .identities(let arns): .members(["AWS": .oneOrMore(arns)])
            case .service(let name): .members(["Service": .text(name)])
            case .federated(let arn): .members(["Federated": .text(arn)])
            }
        }
    }

    /// `StringEquals`: key: values
    package struct Condition: Hashable, Sendable {
        package let comparison: String
        package let key: String
        package let values: [String]

        package init(_ comparison: String, _ key: String, _ values: String...) {
            self.init(comparison, key, values)
        }

        package init(_ comparison: String, _ key: String, _ values: [String]) {
            self.comparison = comparison
            self.key = key
            self.values = values
        }

        /// Conditions with the same operator stand under it together, in the order of their first appearance.
        static func json(of conditions: [Condition]) -> JSONText {
            var comparisons: [String] = []
            for condition in conditions where !comparisons.contains(condition.comparison) {
                comparisons.append(condition.comparison)
            }
            return .object(
                comparisons.map { comparison in
                    let keys = conditions.filter { $0.comparison == comparison }
                    return .init(
                        name: comparison, value: .object(keys.map { .init(name: $0.key, value: .oneOrMore($0.values)) }))
                })
        }
    }

    /// The text as a pattern that means nothing but itself: an operator's prefix may hold what policies take for a wildcard.
    package static func literally(_ text: String) -> String {
        var result = ""
        for character in text { result += "*?$".contains(character) ? "${\(character)}" : String(character) }
        return result
    }
}
