/// Why there is no answer.
///
/// What is *not* a failure: any status. A redirect, a 4xx and a 5xx are answers.
package struct HTTPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The request cannot be sent as it is: a malformed URL, a scheme that is neither http nor https, a line break in a header.
        case badRequest
        /// The name of the host, or of the proxy, has no address.
        case resolve
        /// No connection: refused, unreachable, or refused by the proxy.
        case connect
        /// The handshake failed, or the certificate is not trusted.
        case tls
        /// Connecting took longer than `timeouts.connect`, or the first byte of the answer longer than `timeouts.answer`.
        case timeout
        /// No byte moved for `timeouts.stall` in the midst of a request or an answer.
        case stalled
        /// The connection ended before the answer did.
        case cut
        /// What came back is not HTTP, or breaks its rules.
        case badAnswer
        /// The body is longer than `maximumResponseBody`, or the headers are more than anybody needs.
        case tooLarge
        /// The body's file could not be read, or ended before `count` bytes.
        case sourceRead
        /// The task was cancelled.
        case cancelled
        /// The engine was shut down.
        case shutDown
        /// libcurl itself failed: no memory, no descriptor.
        case broken
    }

    /// What the far end may have done.
    package enum Outcome: Hashable, Sendable {
        /// Not one byte of the request left this machine: nothing can have happened there, and sending again is safe.
        case notSent
        /// Part of the request, or all of it, may have arrived: it may or may not have taken effect.
        case unknown
    }

    package let kind: Kind
    package let outcome: Outcome
    /// One line: what happened, with the library's own words.
    package let text: String

    package init(kind: Kind, outcome: Outcome, text: String) {
        self.kind = kind
        self.outcome = outcome
        self.text = text
    }

    package var description: String { text }
}
