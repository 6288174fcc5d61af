import PouchHTTP
import PouchKit
import PouchTestSupport
import Testing

/// What needs no server that speaks SSH; the rest is tested where the engine is used, against a real one.
@Suite("An engine of SFTP sessions")
struct SFTPEngineTests {
    private static let nobody = SFTPHostKeyJudge { _ in false }

    private func engine(_ port: UInt16, host: String = "127.0.0.1", connect: Duration = .seconds(60)) -> SFTPEngine {
        SFTPEngine(
            server: SFTPServer(host: host, port: Int(port), user: "orga", timeouts: SFTPTimeouts(connect: connect)), sessions: 2)
    }

    private func failure(_ engine: SFTPEngine, _ request: SFTPRequest) async -> SFTPFailure? {
        do throws(SFTPFailure) {
            _ = try await engine.perform(request, as: .password(Secret("hunter2")), trusting: Self.nobody)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "refuses paths that libcurl would cut or take apart",
        arguments: [
            SFTPRequest(before: [.remove("a\nrm b")]), SFTPRequest(after: [.rename(from: "a", to: "b\rc")]),
            SFTPRequest(before: [.perhaps(.makeFolder("a\0b"))]), SFTPRequest(.look(path: "", withTime: false)),
            SFTPRequest(.upload(SFTPUpload(path: "a\0", body: .none))),
            SFTPRequest(.upload(SFTPUpload(path: "a", body: .bytes([1, 2]), offset: 3))),
        ])
    func flaws(request: SFTPRequest) async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in connection.stall() }
        defer { server.stop() }
        let failure = await failure(engine(server.port), request)
        #expect(failure?.kind == .badRequest && failure?.wasBegun == false)
        #expect(server.accepted == 0)
    }

    @Test("refuses hosts and ports that are none", arguments: ["", "a/b", "user@host", "a b", "#", "%41"])
    func hosts(host: String) async {
        #expect(await failure(engine(22, host: host), SFTPRequest())?.kind == .badRequest)
        #expect(await failure(engine(0), SFTPRequest())?.kind == .badRequest)
    }

    @Test("says that nobody is there, and that nothing can have happened")
    func refused() async throws {
        let failure = try #require(await failure(engine(try Loopback.unusedPort()), SFTPRequest()))
        #expect(failure.kind == .connect && !failure.wasBegun)
        #expect(failure.text.hasPrefix("orga@127.0.0.1:") && !failure.text.contains("hunter2"))
    }

    @Test("gives up on a server that says nothing")
    func silent() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in connection.stall() }
        defer { server.stop() }
        #expect(await failure(engine(server.port, connect: .milliseconds(300)), SFTPRequest())?.kind == .connect)
    }

    @Test("ends what is under way when its task is cancelled, and when it is shut down")
    func ends() async throws {
        let (connections, connected) = AsyncStream.makeStream(of: Void.self)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            connected.yield()
            connection.stall()
        }
        defer { server.stop() }
        let engine = engine(server.port)
        let kinds = await withTaskGroup(of: SFTPFailure.Kind?.self) { group in
            group.addTask { await failure(engine, SFTPRequest())?.kind }
            for await _ in connections { break }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(kinds == .cancelled)
        async let other = failure(engine, SFTPRequest())?.kind
        for await _ in connections { break }
        engine.shutdown()
        #expect(await other == .shutDown)
        #expect(await failure(engine, SFTPRequest())?.kind == .shutDown)
    }
}
