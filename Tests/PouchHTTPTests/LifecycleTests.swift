import PouchHTTP
import PouchTestSupport
import Testing

@Suite("The life of an engine")
struct LifecycleTests {
    /// Answers whatever comes, for as long as the connection lasts.
    private static let answering: ScriptedServer.Script = { connection throws(ScriptedConnection.Ended) in
        while true {
            let request = try connection.readRequest()
            try connection.answer(body: request.target)
        }
    }

    @Test("one request after the other uses one connection")
    func reuse() async throws {
        let server = try ScriptedServer(Self.answering)
        defer { server.stop() }
        let engine = HTTPEngine()
        for number in 0..<50 {
            let response = try await engine.send(HTTPRequest(method: "GET", url: "\(server.url)/\(number)"))
            #expect(response.body == Array("/\(number)".utf8))
        }
        #expect(server.accepted == 1)
    }

    @Test("a thousand requests at once are answered over a bounded number of connections")
    func thousand() async throws {
        let server = try ScriptedServer(Self.answering)
        defer { server.stop() }
        let engine = HTTPEngine(maximumConnections: 32)
        let answered = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let response = try await engine.send(HTTPRequest(method: "GET", url: "\(server.url)/\(number)"))
                    return response.body == Array("/\(number)".utf8)
                }
            }
            return try await group.reduce(0) { $1 ? $0 + 1 : $0 }
        }
        #expect(answered == 1_000)
        #expect(server.accepted <= 32)
    }

    @Test("a cancelled task ends its transfer in the midst of the body, and the far end notices")
    func cancelMidBody() async throws {
        let begun = Signal()
        let gone = Signal()
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            _ = try connection.readHead()
            try connection.readBody(1 << 20)
            begun.fire()
            do throws(ScriptedConnection.Ended) { try connection.readBody(.max) } catch { gone.fire() }
        }
        defer { server.stop() }
        let file = try ScratchFile()
        try file.truncate(to: 1 << 40)
        let task = Task {
            try await HTTPEngine().send(
                HTTPRequest(method: "PUT", url: server.url, body: .file(descriptor: file.descriptor, offset: 0, count: 1 << 40)))
        }
        await begun.fired()
        task.cancel()
        let failure = await #expect(throws: HTTPFailure.self) { try await task.value }
        // Not the timeout, and not the end of a body that has none.
        #expect(failure?.kind == .cancelled)
        #expect(failure?.outcome == .unknown)
        await gone.fired()
    }

    @Test("a task that was cancelled before sends nothing")
    func cancelledBefore() async throws {
        let server = try ScriptedServer(Self.answering)
        defer { server.stop() }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await HTTPEngine().send(HTTPRequest(method: "GET", url: server.url))
        }
        let failure = await #expect(throws: HTTPFailure.self) { try await task.value }
        #expect(failure?.kind == .cancelled)
        #expect(failure?.outcome == .notSent)
        #expect(server.accepted == 0)
    }

    @Test("requests in line can be cancelled, and those behind them get their turn")
    func cancelInLine() async throws {
        let busy = Signal()
        let gate = try Gate()
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            while true {
                let request = try connection.readRequest()
                if request.target == "/first" {
                    busy.fire()
                    gate.wait()
                }
                try connection.answer(body: request.target)
            }
        }
        defer { server.stop() }
        let engine = HTTPEngine(maximumConnections: 1)
        let first = Task { try await engine.send(HTTPRequest(method: "GET", url: server.url + "/first")) }
        await busy.fired()
        let cancelled = (0..<20).map { number in
            Task { try await engine.send(HTTPRequest(method: "GET", url: "\(server.url)/\(number)")) }
        }
        let last = Task { try await engine.send(HTTPRequest(method: "GET", url: server.url + "/last")) }
        for task in cancelled { task.cancel() }
        for task in cancelled {
            let failure = await #expect(throws: HTTPFailure.self) { try await task.value }
            #expect(failure?.outcome == .notSent)
        }
        gate.open()
        #expect(try await first.value.body == Array("/first".utf8))
        #expect(try await last.value.body == Array("/last".utf8))
        #expect(server.accepted == 1)
    }

    @Test("a cancellation that comes after the answer leaves nothing behind")
    func lateCancellation() async throws {
        let server = try ScriptedServer(Self.answering)
        defer { server.stop() }
        let engine = HTTPEngine()
        for number in 0..<100 {
            let task = Task { try await engine.send(HTTPRequest(method: "GET", url: "\(server.url)/\(number)")) }
            _ = try await task.value
            task.cancel()
        }
        #expect(try await engine.send(HTTPRequest(method: "GET", url: server.url)).status == 200)
        #expect(server.accepted == 1)
    }

    @Test("five hundred transfers cancelled at once all end")
    func massCancellation() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            connection.stall()
        }
        defer { server.stop() }
        let engine = HTTPEngine(maximumConnections: 100)
        let tasks = (0..<500).map { _ in Task { try await engine.send(HTTPRequest(method: "GET", url: server.url)) } }
        for task in tasks { task.cancel() }
        for task in tasks {
            let failure = await #expect(throws: HTTPFailure.self) { try await task.value }
            #expect(failure?.kind == .cancelled)
        }
    }

    @Test("shutdown ends what runs and what waits, and refuses what comes")
    func shutdown() async throws {
        let busy = Signal()
        let gone = Signal()
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            busy.fire()
            connection.stall()
            gone.fire()
        }
        defer { server.stop() }
        let engine = HTTPEngine(maximumConnections: 1)
        let tasks = (0..<10).map { _ in Task { try await engine.send(HTTPRequest(method: "GET", url: server.url)) } }
        await busy.fired()
        engine.shutdown()
        engine.shutdown()
        var outcomes: [HTTPFailure.Outcome] = []
        for task in tasks {
            let failure = await #expect(throws: HTTPFailure.self) { try await task.value }
            #expect(failure?.kind == .shutDown)
            if let failure { outcomes.append(failure.outcome) }
        }
        #expect(outcomes.filter { $0 == .unknown }.count == 1)
        let refused = await #expect(throws: HTTPFailure.self) { try await engine.send(HTTPRequest(method: "GET", url: server.url)) }
        #expect(refused?.kind == .shutDown)
        #expect(refused?.outcome == .notSent)
        await gone.fired()
    }

    @Test("an engine that nobody holds closes its connections")
    func released() async throws {
        let gone = Signal()
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.answer()
            connection.stall()
            gone.fire()
        }
        defer { server.stop() }
        var engine: HTTPEngine? = HTTPEngine()
        #expect(try await engine?.send(HTTPRequest(method: "GET", url: server.url)).status == 200)
        engine = nil
        await gone.fired()
    }
}
