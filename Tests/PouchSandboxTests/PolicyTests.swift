import FoundationEssentials
import PouchSandbox
import Testing

@Suite("Policies")
struct PolicyTests {
    private static let bucket = "arn:aws:s3:::inbox"
    private static let object = "arn:aws:s3:::inbox/a/b.csv"

    private func document(_ statements: String) throws -> PolicyDocument {
        let text = "{ \"Version\": \"2012-10-17\", \"Statement\": [ \(statements) ] }"
        return try JSONDecoder().decode(PolicyDocument.self, from: Data(text.utf8))
    }

    private func caller(
        _ account: String = "111111111111", identity: String = "", session: String? = nil
    ) throws -> Caller {
        Caller(
            account: account, arn: "arn:aws:sts::\(account):assumed-role/publisher/one",
            principalARN: "arn:aws:iam::\(account):role/publisher", userID: "AROA:one", name: "publisher", isSession: true,
            policies: try identity.isEmpty ? [] : [document(identity)],
            sessionPolicies: try session.map { [try document($0)] } ?? [])
    }

    private func verdict(
        _ caller: Caller, action: String = "s3:PutObject", resource: String = object, of owner: String = "222222222222",
        policy: String = "", kind: ResourcePolicy.Kind = .optional, _ context: PolicyContext = PolicyContext()
    ) throws -> PolicyVerdict {
        PolicyQuestion(caller: caller, action: action, resource: resource, context: context)
            .verdict(
                under: ResourcePolicy(document: policy.isEmpty ? nil : try document(policy), account: owner, kind: kind))
    }

    private let allow = #"{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }"#
    private let grantToRole =
        #"{ "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": { "AWS": "arn:aws:iam::111111111111:role/publisher" } }"#
    private let grantToAccount =
        #"{ "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": { "AWS": "111111111111" } }"#
    private let deny = #"{ "Sid": "No", "Effect": "Deny", "Action": "s3:Put*", "Resource": "*", "Principal": "*" }"#

    @Test("across accounts both sides must allow")
    func acrossAccounts() throws {
        #expect(try verdict(caller(identity: allow), policy: grantToRole) == .allowed)
        #expect(try verdict(caller(identity: allow), policy: grantToAccount) == .allowed)
        #expect(try verdict(caller(identity: allow)) == .notAllowedByResource)
        #expect(try verdict(caller(), policy: grantToRole) == .notAllowedByIdentity)
    }

    @Test("within an account one side suffices, where the resource's policy is optional")
    func withinAnAccount() throws {
        let owner = "111111111111"
        #expect(try verdict(caller(identity: allow), of: owner) == .allowed)
        #expect(try verdict(caller(), of: owner, policy: grantToRole) == .allowed)
        #expect(try verdict(caller(), of: owner, policy: grantToAccount) == .notAllowedByIdentity)
        #expect(try verdict(caller(), of: owner) == .notAllowedByIdentity)
    }

    @Test("nobody gets past a key's policy: naming the account hands the decision to it")
    func mandatoryPolicy() throws {
        let owner = "111111111111"
        #expect(
            try verdict(caller(identity: allow), of: owner, policy: deny.replacingOccurrence("Deny", "Allow"), kind: .mandatory)
                == .allowed)
        #expect(try verdict(caller(identity: allow), of: owner, kind: .mandatory) == .notAllowedByResource)
        #expect(try verdict(caller(identity: allow), of: owner, policy: grantToAccount, kind: .mandatory) == .allowed)
        #expect(try verdict(caller(), of: owner, policy: grantToAccount, kind: .mandatory) == .notAllowedByIdentity)
        #expect(try verdict(caller(), of: owner, policy: grantToRole, kind: .mandatory) == .allowed)
    }

    @Test("an explicit denial wins, wherever it stands")
    func denial() throws {
        let denyHere = #"{ "Sid": "No", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*" }"#
        #expect(try verdict(caller(identity: allow), policy: grantToRole + "," + deny) == .denied(by: "resource policy No"))
        #expect(try verdict(caller(identity: allow + "," + denyHere), policy: grantToRole) == .denied(by: "identity policy No"))
        #expect(
            try verdict(caller(identity: allow, session: allow + "," + denyHere), policy: grantToRole)
                == .denied(by: "session policy No"))
    }

    @Test("a session policy narrows what the role may do")
    func sessionPolicy() throws {
        let other = #"{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }"#
        #expect(try verdict(caller(identity: allow, session: other), policy: grantToRole) == .notAllowedBySession)
        #expect(try verdict(caller(identity: allow, session: allow), policy: grantToRole) == .allowed)
        #expect(try verdict(caller(session: other), of: "111111111111", policy: grantToRole) == .notAllowedBySession)
        let toSession = grantToRole.replacingOccurrence(
            "arn:aws:iam::111111111111:role/publisher", "arn:aws:sts::111111111111:assumed-role/publisher/one")
        #expect(try verdict(caller(session: other), of: "111111111111", policy: toSession) == .allowed)
    }

    @Test("other principals, actions and resources are not meant")
    func notMeant() throws {
        let stranger = grantToRole.replacingOccurrence("role/publisher", "role/generator")
        #expect(try verdict(caller(identity: allow), policy: stranger) == .notAllowedByResource)
        let elsewhere = #"{ "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/b/*" }"#
        #expect(try verdict(caller(identity: elsewhere), policy: grantToRole) == .notAllowedByIdentity)
        let inverted = #"{ "Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*" }"#
        #expect(try verdict(caller(identity: inverted), policy: grantToRole) == .notAllowedByIdentity)
        let allButThis = #"{ "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::inbox/a/*" }"#
        #expect(try verdict(caller(identity: allButThis), policy: grantToRole) == .notAllowedByIdentity)
        let denyOthers =
            #"{ "Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": { "AWS": "arn:aws:iam::111111111111:role/publisher" } }"#
        #expect(try verdict(caller(identity: allow), policy: grantToRole + "," + denyOthers) == .allowed)
        #expect(
            try verdict(caller("333333333333", identity: allow), policy: denyOthers) == .denied(by: "resource policy without Sid"))
    }

    @Test("actions are compared without regard to case, resources with it")
    func letterCase() throws {
        let statement = #"{ "Effect": "Allow", "Action": "S3:putobject", "Resource": "arn:aws:s3:::inbox/a/*" }"#
        #expect(try verdict(caller(identity: statement), policy: grantToRole) == .allowed)
        #expect(
            try verdict(caller(identity: statement), resource: "arn:aws:s3:::inbox/A/b", policy: grantToRole)
                == .notAllowedByIdentity)
    }

    @Test("variables stand for what is known of the caller, and match nothing when it is not")
    func variables() throws {
        let own = #"{ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::inbox/${aws:PrincipalAccount}/*" }"#
        var context = PolicyContext()
        context.set("aws:PrincipalAccount", "111111111111")
        let resource = "arn:aws:s3:::inbox/111111111111/k"
        #expect(try verdict(caller(identity: own), resource: resource, policy: grantToRole, context) == .allowed)
        #expect(try verdict(caller(identity: own), resource: resource, policy: grantToRole) == .notAllowedByIdentity)
        #expect(PolicyCondition.resolvingVariables("a${*}b${?}c${$}d${e", in: context) == "a*b?c$d${e")
    }

    @Test(
        "conditions hold as IAM documents them",
        arguments: [
            ("StringEquals", ["a", "b"], ["b"], true), ("StringEquals", ["a"], ["A"], false), ("StringEquals", ["a"], nil, false),
            ("StringNotEquals", ["a"], ["b"], true), ("StringNotEquals", ["a", "b"], ["b"], false),
            ("StringNotEquals", ["a"], nil, true), ("StringEqualsIgnoreCase", ["a"], ["A"], true),
            ("StringEqualsIfExists", ["a"], nil, true), ("StringEqualsIfExists", ["a"], ["b"], false),
            ("StringLike", ["a*c?"], ["abbcd"], true), ("StringLike", ["a*c?"], ["abbc"], false),
            ("StringNotLike", ["a*"], ["b"], true), ("StringNotLike", ["a*"], ["ab"], false),
            ("ArnLike", ["arn:aws:kms:*:1:key/*"], ["arn:aws:kms:eu:1:key/2"], true),
            ("ArnEquals", ["arn:aws:*:key/2"], ["arn:aws:kms:eu:1:key/2"], false),
            ("ArnNotEquals", ["arn:aws:kms:eu:1:key/1"], ["arn:aws:kms:eu:1:key/2"], true),
            ("ArnNotEquals", ["arn:aws:kms:eu:1:key/1"], nil, true),
            ("Bool", ["true"], ["true"], true), ("Bool", ["true"], ["false"], false), ("Bool", ["false"], nil, false),
            ("BoolIfExists", ["false"], nil, true),
            ("Null", ["true"], nil, true), ("Null", ["true"], ["x"], false), ("Null", ["false"], ["x"], true),
            ("Null", ["false"], nil, false),
            ("NumericLessThan", ["10"], ["9"], true), ("NumericLessThan", ["10"], ["10"], false),
            ("NumericGreaterThanEquals", ["10"], ["10"], true), ("NumericEquals", ["1"], ["x"], false),
            ("NumericNotEquals", ["1"], ["2"], true), ("NumericLessThanEquals", ["1"], ["1"], true),
            ("NumericGreaterThan", ["1"], ["2"], true),
            ("DateLessThan", ["2026-01-01T00:00:00Z"], ["2025-12-31T23:59:59Z"], true),
            ("DateGreaterThan", ["2026-01-01T00:00:00Z"], ["2025-12-31T23:59:59Z"], false),
            ("DateEquals", ["1767225600"], ["2026-01-01T00:00:00Z"], true),
            ("DateNotEquals", ["1767225600"], ["2026-01-01T00:00:01Z"], true),
            ("DateLessThanEquals", ["1767225600"], ["2026-01-01T00:00:00Z"], true),
            ("DateGreaterThanEquals", ["1767225600"], ["2026-01-01T00:00:00Z"], true),
            ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], true), ("ForAllValues:StringEquals", ["a"], ["a", "b"], false),
            ("ForAllValues:StringEquals", ["a"], nil, true), ("ForAnyValue:StringEquals", ["a"], ["a", "b"], true),
            ("ForAnyValue:StringEquals", ["a"], nil, false), ("StringNotEqualsIgnoreCase", ["a"], ["A"], false),
        ] as [(String, [String], [String]?, Bool)])
    func conditions(operatorName: String, written: [String], found: [String]?, holds: Bool) throws {
        let condition = try #require(PolicyCondition(operatorName: operatorName, key: "Some:Key", values: written))
        var context = PolicyContext()
        if let found { context.set("some:KEY", found) }
        #expect(condition.holds(in: context) == holds)
        #expect(condition.operatorName == operatorName)
    }

    @Test("what is not understood is refused, never skipped")
    func unknown() async {
        let wrong = [
            #"{ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "StringMatches": { "a": "b" } } }"#,
            #"{ "Effect": "Allow", "Action": "*", "Resource": "*", "Conditions": {} }"#,
            #"{ "Effect": "Perhaps", "Action": "*", "Resource": "*" }"#, #"{ "Effect": "Allow", "Resource": "*" }"#,
            #"{ "Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "somebody" }"#,
            #"{ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "NullIfExists": { "a": "true" } } }"#,
        ]
        for text in wrong {
            await #expect(throws: DecodingError.self, "\(text)") { () async throws in try document(text) }
        }
    }

    @Test("a policy survives being written and read again")
    func roundTrip() throws {
        let text = """
            { "Sid": "All", "Effect": "Deny", "NotPrincipal": { "AWS": "1" }, "NotAction": ["a:b"], "NotResource": "*",
              "Condition": { "Bool": { "aws:SecureTransport": false }, "NumericEquals": { "s3:max-keys": 10, "x": 1.5 } } }
            """
        let original = try document(text)
        let copy = try JSONDecoder().decode(PolicyDocument.self, from: try JSONEncoder().encode(original))
        #expect(copy.statements.map(\.actions) == original.statements.map(\.actions))
        #expect(copy.statements.map(\.principals) == original.statements.map(\.principals))
        #expect(copy.statements.map { Set($0.conditions) } == original.statements.map { Set($0.conditions) })
    }

    @Test("a pattern that invites endless tries takes no time")
    func wildcardTime() {
        let pattern = String(repeating: "*a", count: 200) + "b"
        #expect(!Wildcard.matches(pattern, String(repeating: "a", count: 5_000)))
        #expect(Wildcard.matches("", "") && Wildcard.matches("*", "") && !Wildcard.matches("?", ""))
        #expect(!Wildcard.matches("e\u{301}", "\u{E9}"), "bytes, not letters")
    }
}

extension String {
    fileprivate func replacingOccurrence(_ old: String, _ new: String) -> String {
        guard let range = firstRange(of: old) else { return self }
        return self[..<range.lowerBound] + new + self[range.upperBound...]
    }
}
