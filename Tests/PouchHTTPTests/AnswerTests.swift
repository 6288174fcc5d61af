import PouchHTTP
import PouchTestSupport
import Testing

@Suite("Answers")
struct AnswerTests {
    /// Sends one request to a server that answers with the text and closes.
    private func answer(
        _ text: String,
        to method: String = "GET",
        maximumResponseBody: Int = 1 << 20
    ) async throws -> HTTPResponse {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.send(text)
        }
        defer { server.stop() }
        return try await HTTPEngine().send(
            HTTPRequest(method: method, url: server.url, maximumResponseBody: maximumResponseBody))
    }

    private func failure(_ text: String, maximumResponseBody: Int = 1 << 20) async throws -> HTTPFailure {
        let failure = await #expect(throws: HTTPFailure.self) {
            try await answer(text, maximumResponseBody: maximumResponseBody)
        }
        return try #require(failure)
    }

    @Test("headers keep their order and are found in any case")
    func headers() async throws {
        let response = try await answer("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nx-B:\r\nX-b:  two \r\nContent-Length: 2\r\n\r\nhi")
        #expect(response.status == 200)
        #expect(response.headers["etag"] == "\"a\"")
        #expect(response.headers.all("X-B") == ["", "two"])
        #expect(response.headers["missing"] == nil)
        #expect(response.headers.fields.map(\.name) == ["ETag", "x-B", "X-b", "Content-Length"])
        #expect(response.body == Array("hi".utf8))
        #expect(response.transmissions == 1)
    }

    @Test("every status is an answer, and a redirect is not followed", arguments: [204, 301, 307, 403, 404, 412, 500, 503])
    func statuses(status: Int) async throws {
        let response = try await answer("HTTP/1.1 \(status) X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        #expect(response.status == status)
        #expect(response.headers["Location"] == "http://127.0.0.1:1/")
    }

    @Test("an interim answer is not the answer")
    func interim() async throws {
        let response = try await answer(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nETag: b\r\nContent-Length: 0\r\n\r\n")
        #expect(response.status == 200)
        #expect(response.headers.fields.map(\.name) == ["ETag", "Content-Length"])
    }

    @Test("the answer to HEAD ends with its headers, whatever length they tell")
    func head() async throws {
        let response = try await answer("HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n", to: "HEAD")
        #expect(response.headers["content-length"] == "5368709120")
        #expect(response.body.isEmpty)
    }

    @Test("a chunked answer is put together, white space at its front included")
    func chunked() async throws {
        let response = try await answer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n  \r\n5\r\n<Err>\r\n0\r\nx-trailer: t\r\n\r\n")
        #expect(response.body == Array("  <Err>".utf8))
        #expect(response.headers["x-trailer"] == "t")
    }

    @Test("an answer that ends early is cut, and what happened is unknown")
    func truncated() async throws {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", "HTTP/1.1 200 OK\r\nContent-Le", "",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<Er",
        ] {
            let failure = try await failure(text)
            #expect(failure.kind == .cut, "\(text)")
            #expect(failure.outcome == .unknown)
        }
    }

    @Test("what is not HTTP is a bad answer")
    func notHTTP() async throws {
        for text in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\n"] {
            let failure = try await failure(text)
            #expect(failure.kind == .badAnswer, "\(text): \(failure)")
            #expect(failure.outcome == .unknown)
        }
    }

    @Test("a body is accepted up to its bound and not a byte further")
    func bodyBound() async throws {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
        #expect(try await answer(text, maximumResponseBody: 10).body.count == 10)
        let failure = try await failure(text, maximumResponseBody: 9)
        #expect(failure.kind == .tooLarge)
        #expect(failure.text.hasSuffix("the answer is too large: its body has more than 9 bytes"))
    }

    @Test("an endless body ends at its bound")
    func endlessBody() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.send("HTTP/1.1 200 OK\r\n\r\n")
            while true { try connection.send([UInt8](repeating: 32, count: 65_536)) }
        }
        defer { server.stop() }
        let failure = await #expect(throws: HTTPFailure.self) {
            try await HTTPEngine().send(HTTPRequest(method: "GET", url: server.url))
        }
        #expect(failure?.kind == .tooLarge)
    }

    @Test("a header bomb is too large: many headers, long headers, one endless line, endless interim answers")
    func headerBombs() async throws {
        let many = (0..<300).map { "x-\($0): a\r\n" }.joined()
        let long = (0..<20).map { "x-\($0): \(String(repeating: "a", count: 8_000))\r\n" }.joined()
        let line = "x: " + String(repeating: "a", count: 2_000_000)
        let interim = String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 5_000)
        for text in ["HTTP/1.1 200 OK\r\n" + many, "HTTP/1.1 200 OK\r\n" + long, "HTTP/1.1 200 OK\r\n" + line, interim] {
            let failure = try await failure(text + "\r\nContent-Length: 0\r\n\r\n")
            #expect(failure.kind == .tooLarge, "\(text.prefix(30)): \(failure)")
        }
    }
}
