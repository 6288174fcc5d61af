package import PouchKit

/// What requests are signed with.
package struct Credentials: Hashable, Sendable {
    package let accessKeyID: String
    package let secretAccessKey: Secret
    /// Present with temporary credentials.
    package let sessionToken: Secret?
    /// By the far end's clock; `nil` when they do not expire, or nobody said when.
    package let expiration: Timestamp?

    package init(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil, expiration: Timestamp? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }
}

/// Why there are no credentials: which step, what came back, the fix.
package struct CredentialFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried: "assume the role arn:aws:iam::111111111111:role/generator".
    package let step: String
    package let cause: String
    package let hint: String?
    /// True when it may work later without anybody's doing: the network, a busy service.
    package let isTemporary: Bool

    package init(step: String, cause: String, hint: String? = nil, isTemporary: Bool = false) {
        self.step = step
        self.cause = cause
        self.hint = hint
        self.isTemporary = isTemporary
    }

    /// - Parameter reason: What a service said, or why it was not asked: the words of an earlier step are the better ones.
    init(step: String, reason: AWSFailure, hint: String?) {
        if case .withoutCredentials(let earlier) = reason.origin {
            self = earlier
            return
        }
        self.init(
            step: step, cause: "\(reason)", hint: hint,
            isTemporary: reason.isThrottling || RetryClass.cause(of: reason) != nil || reason.origin == .cancelled)
    }

    /// Without the hint.
    package var sentence: String { "could not \(step): \(cause)" }

    package var description: String { sentence + (hint.map { "\nhint: \($0)" } ?? "") }
}

/// A named place that credentials come from. There is no chain of guesses: each identity names its source.
package protocol CredentialSource: Sendable {
    /// Where they come from, without secrets: for `doctor` and messages.
    var explanation: String { get }

    /// The way to them, the first step first. Reads files, asks nobody.
    var story: [CredentialStep] { get }

    /// Credentials that are valid now. Called before each request: an implementation keeps what it has while it is valid and
    /// gets new ones ahead of the end.
    func credentials() async throws(CredentialFailure) -> Credentials

    /// Other credentials than the given ones, which the far end refused as expired or unknown.
    ///
    /// - Throws: `CredentialFailure` when the source has only these.
    func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials
}

extension CredentialSource {
    package var story: [CredentialStep] { [CredentialStep(.keys, explanation)] }
}

/// Credentials that somebody else keeps fresh.
package struct FixedCredentials: CredentialSource {
    private let value: Credentials
    package let explanation: String

    package init(_ value: Credentials, explanation: String) {
        self.value = value
        self.explanation = explanation
    }

    package func credentials() async throws(CredentialFailure) -> Credentials { value }

    package func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        throw CredentialFailure(
            step: "renew \(explanation)", cause: "they were refused, and there are no others",
            hint: "put valid credentials there")
    }
}
