/// Sessions with one server, on one thread of their own: what hangs here holds up no other engine.
///
/// Sessions are kept and used again. The thread starts with the first request and ends with `shutdown` or with the last
/// reference to the engine.
package final class SFTPEngine: Sendable {
    package let server: SFTPServer
    private let loop: TransferLoop

    /// - Parameter sessions: Requests in flight at once, each over a session of its own. Further requests wait in their order.
    package init(server: SFTPServer, sessions: Int = 4) {
        self.server = server
        loop = TransferLoop(maximumTransfers: sessions, mayTurnIdly: true)
    }

    deinit { loop.close() }

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
        let result: Result<SFTPAnswer, SFTPFailure> = await loop.outcome { [server] completion in
            SFTPTransfer(
                SFTPOptions(request: request, server: server, login: login, judge: judge), progress: progress,
                completion: completion)
        }
        return try result.get()
    }

    /// Ends all requests with `.shutDown`, refuses new ones, and closes the sessions. Returns at once.
    package func shutdown() { loop.close() }
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
        case .look(let path, _), .lookForFolder(let path), .read(let path, _, _, _): paths.append(path)
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
