package import PouchHTTP
import PouchKit

/// Why a call did not succeed, after all that may be tried inside a call was tried.
package struct AWSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Origin: Hashable, Sendable {
        /// The service answered with an error. The status may be 200: a copy can fail after its headers went out.
        case answered(status: Int)
        /// An answer came, and it is not what the service says when it succeeds.
        case unreadable(status: Int)
        /// No answer came.
        case unanswered(HTTPFailure.Kind)
        case withoutCredentials(CredentialFailure)
        case cancelled
    }

    package var operation: String
    package var origin: Origin
    /// The service's own code; where the answer has no body, one that stands for the status.
    package var code: String
    package var message: String
    package var ids = RequestIDs()
    /// Where the bucket is, when the service said so.
    package var region: String?
    /// Which precondition failed, when the service said so.
    package var condition: String?
    /// The request may have taken effect.
    package var isOutcomeUnknown = false
    package var isThrottling = false
    /// What the service asked for.
    package var retryAfter: Duration?
    /// How far its clock is ahead of ours.
    package var skew: Duration?
    /// Requests that were sent.
    package var requests = 0

    package init(operation: String, origin: Origin, code: String, message: String) {
        self.operation = operation
        self.origin = origin
        self.code = code
        self.message = message
    }

    package var status: Int? {
        switch origin {
        case .answered(let status), .unreadable(let status): status
        case .unanswered, .withoutCredentials, .cancelled: nil
        }
    }

    /// `AccessDenied (403): no reason given; request 4F2…`
    package var description: String {
        let answer = status.map { "\(code) (\($0))" } ?? code
        let reason = message.isEmpty ? "no reason given" : message
        return "\(answer): \(reason)" + (ids.request.map { "; request \($0)" } ?? "")
    }
}
