/// Who calls, once the signature is believed.
package struct Caller: Sendable {
    package let account: String
    /// The caller's own ARN: a user's, or that of a role's session.
    package let arn: String
    /// `aws:PrincipalArn`: for a session, the role's.
    package let principalARN: String
    /// `aws:userid`.
    package let userID: String
    /// The name of the user or role, for people.
    package let name: String
    package let isSession: Bool
    package let policies: [PolicyDocument]
    package let sessionPolicies: [PolicyDocument]
    /// Of the session.
    package let tags: [String: String]

    package init(
        account: String,
        arn: String,
        principalARN: String,
        userID: String,
        name: String,
        isSession: Bool,
        policies: [PolicyDocument],
        sessionPolicies: [PolicyDocument],
        tags: [String: String] = [:]
    ) {
        self.account = account
        self.arn = arn
        self.principalARN = principalARN
        self.userID = userID
        self.name = name
        self.isSession = isSession
        self.policies = policies
        self.sessionPolicies = sessionPolicies
        self.tags = tags
    }

    /// The keys of the global condition context that are about the caller.
    package func describe(in context: inout PolicyContext) {
        context.set("aws:PrincipalArn", principalARN)
        context.set("aws:PrincipalAccount", account)
        context.set("aws:PrincipalType", isSession ? "AssumedRole" : "User")
        context.set("aws:userid", userID)
        context.set("aws:username", isSession ? nil : name)
        context.set("aws:PrincipalIsAWSService", false)
        for (name, value) in tags { context.set("aws:PrincipalTag/\(name)", value) }
    }
}
