/// A policy as IAM, S3 and KMS write it. What the sandbox does not understand it refuses to load: a condition that is
/// skipped would allow what AWS denies.
package struct PolicyDocument: Sendable, Hashable, Codable {
    package let statements: [PolicyStatement]

    package init(statements: [PolicyStatement]) { self.statements = statements }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case version = "Version"
        case id = "Id"
        case statement = "Statement"
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let version = try container.decodeIfPresent(String.self, forKey: .version) ?? "2008-10-17"
        guard ["2012-10-17", "2008-10-17"].contains(version) else {
            throw DecodingError.dataCorruptedError(
                forKey: .version, in: container, debugDescription: "unknown policy version '\(version)'")
        }
        statements = try container.decode(OneOrMore<PolicyStatement>.self, forKey: .statement).values
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("2012-10-17", forKey: .version)
        try container.encode(statements, forKey: .statement)
    }
}

/// One statement of a policy.
package struct PolicyStatement: Sendable, Hashable, Codable {
    package enum Effect: String, Sendable, Codable { case allow = "Allow", deny = "Deny" }

    /// Patterns, and whether they are what is meant or what is not.
    package struct Patterns: Sendable, Hashable {
        package let values: [String]
        package let isNegated: Bool

        package func match(_ isMatch: (String) -> Bool) -> Bool { values.contains(where: isMatch) != isNegated }
    }

    package let sid: String?
    package let effect: Effect
    package let principals: PrincipalPatterns?
    package let actions: Patterns
    package let resources: Patterns?
    package let conditions: [PolicyCondition]

    package init(
        sid: String,
        effect: Effect,
        principals: PrincipalPatterns?,
        actions: [String],
        conditions: [PolicyCondition]
    ) {
        self.sid = sid
        self.effect = effect
        self.principals = principals
        self.actions = Patterns(values: actions, isNegated: false)
        resources = nil
        self.conditions = conditions
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case sid = "Sid"
        case effect = "Effect"
        case principal = "Principal"
        case notPrincipal = "NotPrincipal"
        case action = "Action"
        case notAction = "NotAction"
        case resource = "Resource"
        case notResource = "NotResource"
        case condition = "Condition"
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func patterns(_ key: CodingKeys, not negated: CodingKeys) throws -> Patterns? {
            if let values = try container.decodeIfPresent(OneOrMore<String>.self, forKey: key) {
                return Patterns(values: values.values, isNegated: false)
            }
            return try container.decodeIfPresent(OneOrMore<String>.self, forKey: negated).map {
                Patterns(values: $0.values, isNegated: true)
            }
        }
        sid = try container.decodeIfPresent(String.self, forKey: .sid)
        effect = try container.decode(Effect.self, forKey: .effect)
        if let positive = try container.decodeIfPresent(PrincipalPatterns.self, forKey: .principal) {
            principals = positive
        } else {
            principals = try container.decodeIfPresent(PrincipalPatterns.self, forKey: .notPrincipal)?.negated
        }
        guard let actions = try patterns(.action, not: .notAction) else {
            throw DecodingError.keyNotFound(
                CodingKeys.action,
                .init(codingPath: container.codingPath, debugDescription: "a statement needs Action or NotAction"))
        }
        self.actions = actions
        resources = try patterns(.resource, not: .notResource)
        conditions = try container.decodeIfPresent(PolicyConditions.self, forKey: .condition)?.conditions ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(sid, forKey: .sid)
        try container.encode(effect, forKey: .effect)
        if let principals { try container.encode(principals, forKey: principals.isNegated ? .notPrincipal : .principal) }
        try container.encode(actions.values, forKey: actions.isNegated ? .notAction : .action)
        if let resources { try container.encode(resources.values, forKey: resources.isNegated ? .notResource : .resource) }
        if !conditions.isEmpty { try container.encode(PolicyConditions(conditions: conditions), forKey: .condition) }
    }
}

extension PolicyStatement {
    /// Actions are compared without regard to case.
    func isAbout(_ action: String) -> Bool {
        actions.match { Wildcard.matches($0.lowercased(), action.lowercased()) }
    }
}

/// Whom a statement of a resource's policy is about.
package struct PrincipalPatterns: Sendable, Hashable, Codable {
    /// Account ids, ARNs or `*`: what a caller with a signature of its own is compared with.
    package let names: [String]
    /// `ec2.amazonaws.com`, as which a role is taken on; `s3.amazonaws.com`, which acts by itself.
    package let services: [String]
    /// ARNs of identity providers; only trust policies are asked for them.
    package let federated: [String]
    package let isNegated: Bool

    package static let everybody = PrincipalPatterns(names: ["*"])

    private enum Kind: String, CodingKey, CaseIterable {
        case aws = "AWS"
        case service = "Service"
        case federated = "Federated"
        case canonicalUser = "CanonicalUser"
    }

    private init(names: [String], services: [String] = [], federated: [String] = [], isNegated: Bool = false) {
        self.names = names
        self.services = services
        self.federated = federated
        self.isNegated = isNegated
    }

    package init(from decoder: any Decoder) throws {
        isNegated = false
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            guard text == "*" else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "a principal is \"*\" or an object, found '\(text)'"))
            }
            names = ["*"]
            (services, federated) = ([], [])
            return
        }
        try decoder.refuseUnknownKeys(besides: Kind.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: Kind.self)
        func values(_ kind: Kind) throws -> [String] {
            try container.decodeIfPresent(OneOrMore<String>.self, forKey: kind)?.values ?? []
        }
        names = try values(.aws)
        services = try values(.service)
        federated = try values(.federated)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Kind.self)
        try container.encode(names, forKey: .aws)
        if !services.isEmpty { try container.encode(services, forKey: .service) }
        if !federated.isEmpty { try container.encode(federated, forKey: .federated) }
    }

    package var negated: PrincipalPatterns {
        PrincipalPatterns(names: names, services: services, federated: federated, isNegated: true)
    }
}

/// A value or a list of values: policies allow both everywhere.
struct OneOrMore<Value: Decodable>: Decodable {
    let values: [Value]

    init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            var values: [Value] = []
            while !list.isAtEnd { values.append(try list.decode(Value.self)) }
            self.values = values
        } else {
            values = [try Value(from: decoder)]
        }
    }
}

struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    func refuseUnknownKeys(besides known: [String]) throws {
        let container = try container(keyedBy: AnyName.self)
        if let unknown = container.allKeys.first(where: { !known.contains($0.stringValue) }) {
            throw DecodingError.dataCorruptedError(
                forKey: unknown, in: container, debugDescription: "unknown key '\(unknown.stringValue)'")
        }
    }
}
