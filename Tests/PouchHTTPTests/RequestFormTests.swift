import Glibc
import PouchHTTP
import PouchKit
import PouchTestSupport
import Synchronization
import Testing

@Suite("Requests on the wire")
struct RequestFormTests {
    /// What the server saw of the one request.
    private func seen(_ prepare: (String) -> HTTPRequest) async throws -> ScriptedRequest {
        let seen = Mutex<ScriptedRequest?>(nil)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            let request = try connection.readRequest()
            seen.withLock { $0 = request }
            try connection.answer()
        }
        defer { server.stop() }
        _ = try await HTTPEngine().send(prepare(server.url))
        return try #require(seen.withLock { $0 })
    }

    @Test("path, query, headers and their order arrive as they were written, and nothing else does")
    func asWritten() async throws {
        let request = try await seen { url in
            HTTPRequest(
                method: "GET", url: url + "/a/../b//%c3%bc/./c?uploads&x=%2F+~&y=",
                headers: [("x-amz-date", "20261123T140509Z"), ("Authorization", "AWS4  two  spaces"), ("x-empty", "")])
        }
        #expect(request.requestLine == "GET /a/../b//%c3%bc/./c?uploads&x=%2F+~&y= HTTP/1.1")
        #expect(request.headerLines.first?.hasPrefix("Host: 127.0.0.1:") == true)
        #expect(
            request.headerLines.dropFirst() == ["x-amz-date: 20261123T140509Z", "Authorization: AWS4  two  spaces", "x-empty:"])
    }

    @Test("a PUT or POST without a body says so, and has no content type of libcurl's", arguments: ["PUT", "POST"])
    func emptyBody(method: String) async throws {
        let request = try await seen { HTTPRequest(method: method, url: $0 + "/k?uploads") }
        #expect(request.headerLines.dropFirst() == ["Content-Length: 0"])
    }

    @Test("a DELETE has no body and no length")
    func delete() async throws {
        let request = try await seen { HTTPRequest(method: "DELETE", url: $0 + "/k") }
        #expect(request.requestLine == "DELETE /k HTTP/1.1")
        #expect(request.headerLines.count == 1)
    }

    @Test("a body of bytes arrives with its length, without Expect")
    func bytes() async throws {
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 >> 4) }
        let received = Mutex<[UInt8]>([])
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            var body: [UInt8] = []
            let request = try connection.readRequest { body.append(contentsOf: $0) }
            received.withLock { [body] in $0 = body }
            try connection.answer(headers: request.headerLines.map { "seen-" + $0 })
        }
        defer { server.stop() }
        let response = try await HTTPEngine().send(
            HTTPRequest(method: "POST", url: server.url, headers: [("Content-Type", "application/xml")], body: .bytes(bytes)))
        #expect(received.withLock { $0 } == bytes)
        #expect(response.headers["seen-content-length"] == "3000000")
        #expect(response.headers["seen-content-type"] == "application/xml")
        #expect(response.headers["seen-expect"] == nil)
    }

    @Test("a request that libcurl would repair or split is refused before it is sent")
    func refused() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in try connection.answer() }
        defer { server.stop() }
        let engine = HTTPEngine()
        let requests = [
            HTTPRequest(method: "GET", url: "file:///etc/passwd"),
            HTTPRequest(method: "GET", url: "127.0.0.1:\(server.port)/"),
            HTTPRequest(method: "GET", url: server.url + "/a b"),
            HTTPRequest(method: "GET", url: server.url + "/ü"),
            HTTPRequest(method: "GET", url: server.url + "/a#b"),
            HTTPRequest(method: "GET", url: "http://user:word@127.0.0.1:\(server.port)/"),
            HTTPRequest(method: "GET /x", url: server.url),
            HTTPRequest(method: "", url: server.url),
            HTTPRequest(method: "HEAD", url: server.url, body: .bytes([1])),
            HTTPRequest(method: "GET", url: server.url, headers: [("x-a", "b\r\nx-smuggled: c")]),
            HTTPRequest(method: "GET", url: server.url, headers: [("x-a:", "b")]),
            HTTPRequest(method: "PUT", url: server.url, headers: [("content-length", "2")], body: .bytes([1])),
            HTTPRequest(method: "PUT", url: server.url, headers: [("Transfer-Encoding", "chunked")], body: .bytes([1])),
            HTTPRequest(method: "PUT", url: server.url, body: .file(descriptor: 0, offset: 0, count: -1)),
        ]
        for request in requests {
            let failure = await #expect(throws: HTTPFailure.self) { try await engine.send(request) }
            #expect(failure?.kind == .badRequest, "\(request.method) \(request.url)")
            #expect(failure?.outcome == .notSent)
            #expect(failure?.text.contains("word@") == false)
        }
        #expect(server.accepted == 0)
    }

    @Test("proxies of the environment are not looked at")
    func noEnvironment() async throws {
        let dead = try Loopback.unusedPort()
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            setenv(name, "http://127.0.0.1:\(dead)", 1)
        }
        let request = try await seen { HTTPRequest(method: "GET", url: $0 + "/straight") }
        #expect(request.requestLine == "GET /straight HTTP/1.1")
    }

    @Test("a configured proxy is used, with its credentials, but not for its exceptions")
    func proxy() async throws {
        let seen = Mutex<ScriptedRequest?>(nil)
        let proxy = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            let request = try connection.readRequest()
            seen.withLock { $0 = request }
            try connection.answer(203)
        }
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.answer(204)
        }
        defer {
            proxy.stop()
            server.stop()
        }
        let settings = ProxyServer(url: proxy.url, user: "edge", password: Secret("open sesame"), except: ["127.0.0.1"])
        let engine = HTTPEngine(network: HTTPNetwork(proxy: .through(settings)))
        #expect(try await engine.send(HTTPRequest(method: "GET", url: "http://far.example/x")).status == 203)
        #expect(try await engine.send(HTTPRequest(method: "GET", url: server.url)).status == 204)
        let request = try #require(seen.withLock { $0 })
        #expect(request.requestLine == "GET http://far.example/x HTTP/1.1")
        #expect(request["Proxy-Authorization"] == "Basic " + Base64.text(of: Array("edge:open sesame".utf8)))
    }
}
