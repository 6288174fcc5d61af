/// One step of the way to an identity's credentials, without a secret in it: for people who ask why.
package struct CredentialStep: Sendable {
    package enum Kind: String, Hashable, Sendable {
        case keys, environment, file, profile, process, container, imds, role
        case webIdentity = "web-identity"
        case rolesAnywhere = "roles-anywhere"
    }

    package let kind: Kind
    /// "the profile edge of /etc/pouch/credentials"
    package let text: String
    package private(set) var details: [(name: String, value: String)]
    /// What is wrong with it, as far as can be seen without asking anybody.
    package var problem: CredentialFailure?

    package init(_ kind: Kind, _ text: String, _ details: [(name: String, value: String)] = [], problem: CredentialFailure? = nil) {
        self.kind = kind
        self.text = text
        self.details = details
        self.problem = problem
    }

    mutating func add(_ name: String, _ value: String) { details.append((name, value)) }
}
