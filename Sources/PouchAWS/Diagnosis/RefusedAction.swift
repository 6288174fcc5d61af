/// What a service says when it says why: the action, and whose policy does not allow it.
///
/// Within an account S3 says it, KMS says it across accounts too, and S3 across accounts says nothing at all.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
package struct RefusedAction: Hashable, Sendable {
    package enum Side: Hashable, Sendable {
        /// The policies of whoever asked.
        case identity
        /// The policy of the bucket, the key or the role. Of a key it may be that it is not there at all.
        case resource
        case session
        /// A policy that says no.
        case denial(by: String)
        /// Of the organisation, a boundary, or an endpoint.
        case above(String)
        case unsaid
    }

    /// `kms:GenerateDataKey`
    package let action: String
    /// Who asked, by the service's word.
    package let caller: String?
    package let side: Side

    /// `nil` where the message names no action.
    package init?(_ message: String) {
        guard let action = Self.word(after: "not authorized to perform: ", in: message), action.contains(":") else { return nil }
        self.action = action
        caller = Self.word(after: "User: ", in: message)
        side = Self.side(message)
    }

    private static func side(_ message: String) -> Side {
        let above = ["service control policy", "resource control policy", "permissions boundary", "VPC endpoint policy"]
        if let policy = above.first(where: message.contains) { return .above(policy) }
        if message.contains("no identity-based policy allows") { return .identity }
        if message.contains("no session policy allows") { return .session }
        if message.contains("with an explicit deny in a resource-based") { return .denial(by: "the resource's policy") }
        if message.contains("with an explicit deny in an identity-based") { return .denial(by: "the caller's own policy") }
        if message.contains("resource-based polic") || message.contains("does not exist in this Region") { return .resource }
        return .unsaid
    }

    private static func word(after mark: String, in text: String) -> String? {
        guard let range = text.firstRange(of: mark) else { return nil }
        let word = text[range.upperBound...].prefix { $0 != " " && $0 != "," }
        return word.isEmpty ? nil : String(word)
    }
}
