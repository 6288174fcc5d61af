/// Sessions with one server, each on a thread of its own: what hangs here holds up no other.
///
/// Sessions are kept and used again. A thread starts with the first request that needs it, and ends with `shutdown` or with the last
/// reference to the engine.
package final class SFTPEngine: Sendable {
    package let server: SFTPServer
    private let sessions: SFTPSessions

    /// - Parameter sessions: Requests in flight at once, each over a session of its own. Further requests wait in their order.
    package init(server: SFTPServer, sessions: Int = 4) {
        self.server = server
        self.sessions = SFTPSessions(count: max(1, sessions), limit: server.timeouts.connect)
    }

    deinit { sessions.close() }

    /// Does what the request says, step by step.
    ///
    /// Nothing is repeated here. Cancelling the task ends the request and closes its session, within milliseconds, or within the
    /// second that libcurl gives a server to say goodbye; what it had begun at the server stays.
    ///
    /// - Parameters:
    ///   - judge: Asked at each new connection.
    ///   - progress: Bytes of an upload given to the network so far, without those that were there already. Called on the
    ///     engine's thread, often: be quick.
    /// - Throws: `SFTPFailure`. Unless its `wasBegun` is false, steps may have taken effect.
    package func perform(
        _ request: SFTPRequest, as login: SFTPLogin, trusting judge: SFTPHostKeyJudge,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(SFTPFailure) -> SFTPAnswer {
        if let flaw = request.flaw ?? server.flaw ?? SFTPBackend.current.flaw {
            throw SFTPFailure(kind: .badRequest, wasBegun: false, text: "\(server.name): \(flaw)")
        }
        let options = SFTPOptions(request: request, server: server, login: login, judge: judge)
        let result: Result<SFTPAnswer, SFTPFailure>? = await sessions.lend { session in
            await session.loop.outcome { completion, cancellation in
                SFTPTransfer(
                    options, watch: session.watch, cancellation: cancellation, progress: progress, completion: completion)
            }
        }
        guard let result else {
            throw SFTPFailure(kind: .cancelled, wasBegun: false, text: "\(server.name): it was cancelled")
        }
        return try result.get()
    }

    /// Ends all requests with `.shutDown`, refuses new ones, and closes the sessions. Returns at once.
    package func shutdown() { sessions.close() }
}

extension SFTPRequest {
    /// Why it cannot be sent as it stands here, or `nil`.
    fileprivate var flaw: String? {
        var paths = (before + after).flatMap(\.paths)
        switch transfer {
        case .nothing: break
        case .upload(let upload):
            paths.append(upload.path)
            guard (0...upload.body.count).contains(upload.offset) else { return "there is no byte \(upload.offset) to go on from" }
        case .look(let path, _), .lookForFolder(let path), .verify(let path, _), .read(let path, _, _, _): paths.append(path)
        }
        // libcurl hands commands on line by line and texts up to their first NUL.
        let isBroken = paths.contains { $0.isEmpty || $0.utf8.contains { $0 == 0 || $0 == 0x0A || $0 == 0x0D } }
        if isBroken { return "a path is empty, or has a NUL or a line break in it" }
        return nil
    }
}

extension SFTPServer {
    fileprivate var flaw: String? {
        let isHost =
            !host.isEmpty
            && host.utf8.allSatisfy {
                ($0 >= 0x30 && $0 <= 0x3A) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || "-._".utf8.contains($0)
            }
        guard isHost else { return "this is no name of a host" }
        guard (1...65_535).contains(port) else { return "there is no port \(port)" }
        return nil
    }
}

extension SFTPBackend {
    fileprivate var flaw: String? {
        library.isEmpty
            ? "\(self) speaks no SFTP" : asksAboutHostKeys ? nil : "with \(self) host keys cannot be checked, and nothing is sent"
    }
}
