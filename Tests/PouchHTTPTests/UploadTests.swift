import Glibc
import PouchHTTP
import PouchKit
import PouchTestSupport
import Synchronization
import Testing

@Suite("Uploads from a file")
struct UploadTests {
    /// Compares what comes in with the file itself, read at the same place: nothing is kept.
    private static func difference(from file: ScratchFile, at start: Int, _ piece: UnsafeRawBufferPointer) -> Bool {
        guard let bytes = piece.baseAddress else { return false }
        var expected = [UInt8](repeating: 0, count: piece.count)
        let count = pread(file.descriptor, &expected, piece.count, start)
        return count != piece.count || memcmp(expected, bytes, piece.count) != 0
    }

    @Test("256 MiB arrive byte for byte, and the descriptor's offset stays")
    func large() async throws {
        let size = 256 << 20
        let file = try ScratchFile()
        try file.truncate(to: size)
        for block in 0..<1_024 {
            var mark = block &* 0x9E37_79B9
            #expect(pwrite(file.descriptor, &mark, 8, block << 18 | block) == 8)
        }
        let differences = Atomic(0)
        let received = Atomic(0)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            var position = 0
            try connection.readRequest { piece in
                if Self.difference(from: file, at: position, piece) { differences.add(1, ordering: .relaxed) }
                position += piece.count
            }
            received.store(position, ordering: .relaxed)
            try connection.answer()
        }
        defer { server.stop() }
        let furthest = Atomic<Int64>(0)
        let response = try await HTTPEngine().send(
            HTTPRequest(method: "PUT", url: server.url, body: .file(descriptor: file.descriptor, offset: 0, count: Int64(size)))
        ) { furthest.store($0, ordering: .relaxed) }
        #expect(response.status == 200)
        #expect(received.load(ordering: .relaxed) == size)
        #expect(differences.load(ordering: .relaxed) == 0)
        #expect(furthest.load(ordering: .relaxed) == Int64(size))
        #expect(file.offset == 0)
    }

    @Test("parts of one descriptor are sent side by side")
    func parts() async throws {
        let file = try ScratchFile((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) })
        let differences = Atomic(0)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            while true {
                let request = try connection.readHead()
                var position = Int(request.target.dropFirst()) ?? 0
                try connection.readBody(request.contentLength) { piece in
                    if Self.difference(from: file, at: position, piece) { differences.add(1, ordering: .relaxed) }
                    position += piece.count
                }
                try connection.answer(body: "\(position)")
            }
        }
        defer { server.stop() }
        let engine = HTTPEngine(maximumConnections: 8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<40 {
                group.addTask {
                    let body = HTTPBody.file(descriptor: file.descriptor, offset: Int64(part * 25_000), count: 25_000)
                    let response = try await engine.send(
                        HTTPRequest(method: "PUT", url: "\(server.url)/\(part * 25_000)", body: body))
                    #expect(response.body == Array("\((part + 1) * 25_000)".utf8))
                }
            }
            try await group.waitForAll()
        }
        #expect(differences.load(ordering: .relaxed) == 0)
        #expect(server.accepted <= 8)
    }

    @Test("a body leaves no faster than it may")
    func paced() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            try connection.readRequest()
            try connection.answer()
        }
        defer { server.stop() }
        let start = ContinuousClock.now
        _ = try await HTTPEngine().send(
            HTTPRequest(
                method: "PUT", url: server.url, body: .bytes([UInt8](repeating: 0, count: 400_000)),
                budget: TransferBudget(TransferBudget.Limits(bytesPerSecond: 500_000))))
        // A tenth of a second may be made up for.
        #expect(ContinuousClock.now - start > .milliseconds(650))
    }

    @Test("a file that shrank fails the request, and says so")
    func shrunk() async throws {
        let file = try ScratchFile([UInt8](repeating: 1, count: 1_000))
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in try connection.readRequest() }
        defer { server.stop() }
        let failure = await #expect(throws: HTTPFailure.self) {
            try await HTTPEngine().send(
                HTTPRequest(method: "PUT", url: server.url, body: .file(descriptor: file.descriptor, offset: 0, count: 1_001)))
        }
        #expect(failure?.kind == .sourceRead)
        #expect(failure?.outcome == .unknown)
        #expect(failure?.text.hasSuffix("the file ends at byte 1000: it shrank, 1 bytes are missing") == true)
    }

    @Test("a file that cannot be read fails the request with the system's words")
    func unreadable() async throws {
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in try connection.readRequest() }
        defer { server.stop() }
        let failure = await #expect(throws: HTTPFailure.self) {
            try await HTTPEngine().send(
                HTTPRequest(method: "PUT", url: server.url, body: .file(descriptor: -1, offset: 0, count: 1)))
        }
        #expect(failure?.kind == .sourceRead)
        #expect(failure?.text.contains("Bad file descriptor") == true)
    }

    @Test("an answer that comes before the body was read is the answer")
    func earlyAnswer() async throws {
        let file = try ScratchFile()
        try file.truncate(to: 64 << 20)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 6\r\n\r\ndenied")
            connection.stall()
        }
        defer { server.stop() }
        let response = try await HTTPEngine().send(
            HTTPRequest(method: "PUT", url: server.url, body: .file(descriptor: file.descriptor, offset: 0, count: 64 << 20)))
        #expect(response.status == 403)
        #expect(response.body == Array("denied".utf8))
    }

    @Test("a request that meets a dead kept connection is sent again from its first byte, and says so")
    func deadConnection() async throws {
        let file = try ScratchFile((0..<100_000).map { UInt8(truncatingIfNeeded: $0 >> 2) })
        let differences = Atomic(0)
        let requests = Atomic(0)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            for _ in 0..<2 {
                var position = 0
                try connection.readRequest { piece in
                    if Self.difference(from: file, at: position, piece) { differences.add(1, ordering: .relaxed) }
                    position += piece.count
                }
                // The second request on the first connection is read to its end, and then nothing comes.
                if connection.number == 1 && requests.add(1, ordering: .relaxed).newValue == 2 { return }
                try connection.answer()
            }
        }
        defer { server.stop() }
        let engine = HTTPEngine()
        let request = HTTPRequest(
            method: "PUT", url: server.url, body: .file(descriptor: file.descriptor, offset: 0, count: 100_000))
        #expect(try await engine.send(request).transmissions == 1)
        let response = try await engine.send(request)
        #expect(response.status == 200)
        #expect(response.transmissions == 2)
        #expect(server.accepted == 2)
        #expect(differences.load(ordering: .relaxed) == 0)
    }
}
