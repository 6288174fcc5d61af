package import PouchHTTP

/// What carries requests: an engine, or in tests a script.
package protocol HTTPTransport: Sendable {
    /// - Parameter progress: Told how many bytes of the body were sent so far.
    func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse
}

extension HTTPEngine: HTTPTransport {}
