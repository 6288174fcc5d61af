import PouchKit
import PouchTestSupport
import SFTPDestination
import Testing

/// What listens there is no server of the partner's, and wants to hurt. Nothing is sent, the connection is closed within the time that
/// was set, and the delivery is tried again.
@Suite("A hostile server")
struct HostileServerTests {
    private static let scripts: [(String, ScriptedServer.Script)] = [
        ("closes at once", { _ throws(ScriptedConnection.Ended) in }),
        ("resets at once", { connection throws(ScriptedConnection.Ended) in connection.reset() }),
        ("says nothing", { connection throws(ScriptedConnection.Ended) in connection.stall() }),
        (
            "sends a banner without an end",
            { connection throws(ScriptedConnection.Ended) in
                let block = [UInt8](repeating: UInt8(ascii: "A"), count: 1 << 16)
                while true { try connection.send(block) }
            }
        ),
        (
            "sends lines before its banner without an end",
            { connection throws(ScriptedConnection.Ended) in
                while true { try connection.send(String(repeating: "welcome\r\n", count: 1_000)) }
            }
        ),
        (
            "sends packets to be ignored without an end",
            { connection throws(ScriptedConnection.Ended) in
                try connection.send("SSH-2.0-Chatter\r\n")
                // SSH_MSG_IGNORE with an empty text, padded as RFC 4253 has it.
                let packet: [UInt8] = [0, 0, 0, 12, 6, 2, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 6)
                let block = [[UInt8]](repeating: packet, count: 4_096).flatMap(\.self)
                while true { try connection.send(block) }
            }
        ),
        (
            "sends garbage after its banner",
            { connection throws(ScriptedConnection.Ended) in
                try connection.send("SSH-2.0-Garbage\r\n")
                var generator = SeededGenerator(seed: 9)
                while true { try connection.send(generator.bytes(4_096)) }
            }
        ),
        (
            "announces a packet of 4 GiB",
            { connection throws(ScriptedConnection.Ended) in
                try connection.send("SSH-2.0-Bomb\r\n")
                try connection.send([0xFF, 0xFF, 0xFF, 0xFF, 0x04, 0x14] + [UInt8](repeating: 0, count: 1 << 16))
                connection.stall()
            }
        ),
        (
            "drips its banner",
            { connection throws(ScriptedConnection.Ended) in
                try connection.drip("SSH-2.0-" + String(repeating: "slow", count: 1_000), every: 100)
            }
        ),
        (
            "speaks HTTP",
            { connection throws(ScriptedConnection.Ended) in try connection.send("HTTP/1.1 400 Bad Request\r\n\r\n") }
        ),
        (
            "closes after the key exchange began",
            { connection throws(ScriptedConnection.Ended) in
                try connection.send("SSH-2.0-Closing\r\n")
                try connection.readBody(64)
            }
        ),
    ]

    /// The limit is for a hang, which nothing else would end.
    @Test("is left alone, and nothing is sent", .timeLimit(.minutes(5)), arguments: scripts.map(\.0))
    func isBounded(what: String) async throws {
        let script = try #require(Self.scripts.first { $0.0 == what }?.1)
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let server = try ScriptedServer { connection throws(ScriptedConnection.Ended) in
            defer { end.yield() }
            try script(connection)
        }
        defer { server.stop() }
        let scratch = try TemporaryFolder("hostile")
        var settings = SFTPSettings(host: "127.0.0.1", user: "orga", path: "/inbox")
        settings.port = Int(server.port)
        settings.privateKey = try SettingsPath(try scratch.write("none", to: "key"), in: "/")
        settings.hostKey = OneOrMore(["SHA256:" + String(repeating: "A", count: 43)])
        settings.connectTimeout = TimeSpan(milliseconds: 1_000)
        let destination = try PartnerFolder.destination(settings)
        let failure = try await destination.failure(
            try TestFile(Array("secret contents".utf8), in: scratch), RecordingContext("f.csv"))
        #expect(failure.remedy == .retry || failure.code == "no-common-algorithm", "\(failure)")
        #expect(failure.description.utf8.count < 2_000, "its words are kept short")
        // Our side has closed: the script came to its end.
        for await _ in ends { break }
    }
}
