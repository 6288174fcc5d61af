import PouchHTTP
import PouchTestSupport
import Testing

@Suite("Failures and what they leave open")
struct FailureTests {
    private func failure(
        of request: HTTPRequest,
        network: HTTPNetwork = HTTPNetwork()
    ) async throws -> HTTPFailure {
        let engine = HTTPEngine(network: network)
        return try #require(await #expect(throws: HTTPFailure.self) { try await engine.send(request) })
    }

    /// Sends a PUT of the given size to a server that plays the script.
    private func failure(
        bodySize: Int = 0,
        timeouts: HTTPTimeouts = HTTPTimeouts(),
        script: @escaping ScriptedServer.Script
    ) async throws -> HTTPFailure {
        let server = try ScriptedServer(script)
        defer { server.stop() }
        let file = try ScratchFile()
        try file.truncate(to: bodySize)
        let body = HTTPBody.file(descriptor: file.descriptor, offset: 0, count: Int64(bodySize))
        return try await failure(of: HTTPRequest(method: "PUT", url: server.url + "/k?secret", body: body, timeouts: timeouts))
    }

    @Test("where nobody listens, nothing was sent")
    func refused() async throws {
        let port = try Loopback.unusedPort()
        let failure = try await failure(of: HTTPRequest(method: "PUT", url: "http://127.0.0.1:\(port)/k?X-Amz-Signature=abc"))
        #expect(failure.kind == .connect)
        #expect(failure.outcome == .notSent)
        #expect(failure.text.hasPrefix("PUT to http://127.0.0.1:\(port): no connection: Failed to connect"))
        #expect(!failure.text.contains("Signature"))
    }

    @Test("a name without an address is its own kind of failure")
    func unresolved() async throws {
        let failure = try await failure(of: HTTPRequest(method: "GET", url: "http://no..name:8080/"))
        #expect(failure.kind == .resolve)
        #expect(failure.outcome == .notSent)
    }

    @Test("a proxy that is not there or says no is no connection")
    func proxy() async throws {
        let port = try Loopback.unusedPort()
        let absent = HTTPNetwork(proxy: .through(ProxyServer(url: "http://127.0.0.1:\(port)")))
        #expect(try await failure(of: HTTPRequest(method: "GET", url: "https://far.example/"), network: absent).outcome == .notSent)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.answer(407)
        }
        defer { server.stop() }
        let refusing = HTTPNetwork(proxy: .through(ProxyServer(url: server.url)))
        let refusal = try await failure(of: HTTPRequest(method: "GET", url: "https://far.example/"), network: refusing)
        #expect(refusal.kind == .connect)
        #expect(refusal.outcome == .notSent)
        #expect(refusal.text.contains("407"))
    }

    @Test("a handshake that fails sent nothing")
    func handshake() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.send("HTTP/1.1 400 speak plainly\r\n\r\n")
        }
        defer { server.stop() }
        let failure = try await failure(of: HTTPRequest(method: "GET", url: "https://127.0.0.1:\(server.port)/"))
        #expect(failure.kind == .tls)
        #expect(failure.outcome == .notSent)
    }

    @Test("a far end that accepts and never shakes hands is a timeout, and nothing was sent")
    func silentHandshake() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in connection.stall() }
        defer { server.stop() }
        let failure = try await failure(
            of: HTTPRequest(
                method: "GET", url: "https://127.0.0.1:\(server.port)/", timeouts: HTTPTimeouts(connect: .milliseconds(300))))
        #expect(failure.kind == .timeout)
        #expect(failure.outcome == .notSent)
    }

    @Test("a file of authorities that is not there is a TLS failure")
    func missingAuthorities() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in connection.stall() }
        defer { server.stop() }
        let failure = try await failure(
            of: HTTPRequest(method: "GET", url: "https://127.0.0.1:\(server.port)/"),
            network: HTTPNetwork(caFile: "/nonexistent/ca.pem"))
        #expect(failure.kind == .tls)
        #expect(failure.text.contains("/nonexistent/ca.pem"))
    }

    @Test("a reset in the midst of the request leaves it open what happened")
    func resetMidway() async throws {
        let failure = try await failure(bodySize: 8 << 20) { connection throws(ScriptedConnection.Ended) in
            _ = try connection.readHead()
            connection.reset()
        }
        #expect(failure.kind == .cut)
        #expect(failure.outcome == .unknown)
    }

    @Test("a reset before anything was read is never taken for an answer")
    func resetAtOnce() async throws {
        let failure = try await failure(bodySize: 8 << 20) { connection throws(ScriptedConnection.Ended) in connection.reset() }
        // Whether the reset overtakes the request is the network's choice; the failure must know which it was.
        switch failure.kind {
        case .connect: #expect(failure.outcome == .notSent)
        default:
            #expect(failure.kind == .cut)
            #expect(failure.outcome == .unknown)
        }
    }

    @Test("a reset after the request was read leaves it open what happened")
    func resetAfter() async throws {
        let failure = try await failure(bodySize: 100) { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            connection.reset()
        }
        #expect(failure.kind == .cut)
        #expect(failure.outcome == .unknown)
        #expect(!failure.text.contains("secret"))
    }

    @Test("a close without an answer leaves it open what happened")
    func closed() async throws {
        let failure = try await failure { connection throws(ScriptedConnection.Ended) in try connection.readRequest() }
        #expect(failure.kind == .cut)
        #expect(failure.outcome == .unknown)
    }

    @Test("a far end that stops reading is a stall")
    func stalledRequest() async throws {
        let failure = try await failure(bodySize: 64 << 20, timeouts: HTTPTimeouts(stall: .milliseconds(300))) { connection in
            connection.stall()
        }
        #expect(failure.kind == .stalled)
        #expect(failure.outcome == .unknown)
        #expect(failure.text.contains("of 67108864 bytes sent"))
    }

    @Test("white space that trickles while the far end works is no stall, however long it takes")
    func keepAlive() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n")
            try connection.drip(String(repeating: " ", count: 15), every: 60)
            try connection.send("<Completed/>")
        }
        defer { server.stop() }
        let timeouts = HTTPTimeouts(answer: .milliseconds(500), stall: .milliseconds(500))
        let response = try await HTTPEngine().send(
            HTTPRequest(method: "POST", url: server.url, body: .bytes(Array("<Complete/>".utf8)), timeouts: timeouts))
        #expect(String(decoding: response.body, as: UTF8.self).hasSuffix("<Completed/>"))
    }

    @Test("an answer that stops half-way is a stall")
    func stalledAnswer() async throws {
        let timeouts = HTTPTimeouts(stall: .milliseconds(300))
        let failure = try await failure(timeouts: timeouts) { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.stall()
        }
        #expect(failure.kind == .stalled)
        #expect(failure.text.hasSuffix("3 bytes of the answer here"))
    }

    @Test("an answer that never begins has its own patience")
    func noAnswer() async throws {
        let timeouts = HTTPTimeouts(answer: .milliseconds(300), stall: .seconds(60))
        let failure = try await failure(timeouts: timeouts) { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            connection.stall()
        }
        #expect(failure.kind == .timeout)
        #expect(failure.outcome == .unknown)
    }

    @Test("an answer that takes long and then drips is not a stall")
    func slowAnswer() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
            try connection.pause(milliseconds: 900)
            try connection.drip("01234567890123456789", every: 60)
        }
        defer { server.stop() }
        let timeouts = HTTPTimeouts(answer: .seconds(30), stall: .milliseconds(600))
        let response = try await HTTPEngine().send(HTTPRequest(method: "PUT", url: server.url, timeouts: timeouts))
        #expect(response.body.count == 20)
    }
}
