/// Sends requests over connections of its own, on one thread of its own: what hangs here holds up no other engine.
///
/// The thread starts with the first request and ends with `shutdown` or with the last reference to the engine.
package final class HTTPEngine: Sendable {
    private let network: HTTPNetwork
    private let loop: TransferLoop

    /// - Parameter maximumConnections: Requests in flight at once, and idle connections that are kept. Further requests wait
    ///   in their order; their timeouts begin with their turn.
    package init(network: HTTPNetwork = HTTPNetwork(), maximumConnections: Int = 64) {
        self.network = network
        loop = TransferLoop(maximumTransfers: maximumConnections)
    }

    deinit { loop.close() }

    /// Sends the request and returns the answer, whatever its status.
    ///
    /// Nothing is repeated here, with one exception: a kept connection that turns out to be dead before any byte of an answer
    /// came is replaced, and the request sent again; `HTTPResponse.transmissions` tells. Cancelling the task ends the transfer
    /// within milliseconds; when the answer is already here it is returned all the same.
    ///
    /// - Parameters:
    ///   - request: A file it names must stay open until this returns.
    ///   - progress: Bytes of the body given to the network so far. Called on the engine's thread, often: be quick. It may begin
    ///     at 0 again when the request is sent again.
    /// - Throws: `HTTPFailure`. Its `outcome` is `.notSent` only when not one byte of the request can have left: the request was
    ///   refused here, the name has no address, connection, proxy tunnel or TLS handshake failed, or cancellation or shutdown came
    ///   before that. It is `.unknown` in all other cases, and the far end may then have done what was asked.
    package func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(HTTPFailure) -> HTTPResponse {
        if let flaw = request.flaw { throw HTTPFailure(kind: .badRequest, outcome: .notSent, text: "\(request.origin): \(flaw)") }
        let result: Result<HTTPResponse, HTTPFailure> = await loop.outcome { [network] completion, _ in
            HTTPTransfer(request, network: network, progress: progress, completion: completion)
        }
        return try result.get()
    }

    /// Ends all requests with `.shutDown`, refuses new ones, and closes the connections. Returns at once; what waits in `send`
    /// is released within milliseconds. May be called more than once.
    package func shutdown() { loop.close() }
}
