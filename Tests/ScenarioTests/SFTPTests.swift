import Foundation
import PouchKit
import PouchTestSupport
import Testing

extension Scenarios {
    /// At a real sshd, behind a relay.
    @Suite("with an SFTP server", .serialized, .enabled(if: SSHServer.isInstalled))
    struct SFTPTests {
        private let server: SSHServer
        private let relay: Relay
        private let workshop: Workshop

        init() throws {
            server = try SSHServer()
            relay = try Relay(to: server.port)
            workshop = try Workshop()
            try configure()
        }

        private func configure(login: String? = nil, limits: String = "at-once: 8", more: String = "") throws {
            let login = login ?? "private-key: \(server.userKey())"
            let place = "host: 127.0.0.1, port: \(relay.port), user: \(server.user), path: \"\(workshop.inbox.path)\""
            let trust = "host-key: \"\(try server.fingerprint())\""
            try workshop.configure(
                partners: "desk: { deliver: { with: sftp, \(place), \(login), \(trust)\(more) }, limits: { \(limits) } }")
        }

        private static let points: [CrashPoint] =
            ProcessInfo.processInfo.environment["POUCH_FULL"] == nil
            ? [.begun, .staged, .saved, .delivered, .completed] : CrashPoint.unsealed

        @Test("killed at any step, an agent that is started again delivers every file once and records it once", arguments: points)
        func deliversOnce(after point: CrashPoint) async throws {
            defer { relay.stop() }
            try configure(more: ", sidecar: done")
            try workshop.feed(4)
            let killed = try await workshop.pouch(crashAt: point, count: point.deadlyCount).run("run", "--once")
            #expect(killed.wasKilled, "the process was to die at \(point): \(killed.errors)")
            let last = try await workshop.deliverAll()
            #expect(last.status == 0, "\(last.errors)")
            let marks = workshop.files("inbox").filter { $0.hasSuffix(".done") }
            #expect(marks.count == 4)
            // The judge knows of files only.
            for mark in marks { try FileManager.default.removeItem(at: workshop.inbox.appendingPathComponent(mark)) }
            #expect(try workshop.judge() == Workshop.Verdict())
            try await workshop.expectRecorded(4)
        }

        @Test("killed in the middle of a large file, goes on with it")
        func goesOn() async throws {
            defer { relay.stop() }
            try configure(limits: "at-once: 1, bandwidth: 4MiB/s")
            let size = 24 << 20
            try workshop.putLarge(size, as: "large.bin")
            let killed = try await workshop.pouch().run("run", "--once") { running in
                try await eventually("a part is there") { relay.bytesFromClient > 6 << 20 }
                running.kill()
            }
            #expect(killed.wasKilled)
            #expect(workshop.files("inbox").allSatisfy { $0.hasSuffix(".part") })
            try configure()
            let before = relay.bytesFromClient
            try await workshop.expectEverythingDelivered(1)
            #expect(relay.bytesFromClient - before < size * 9 / 10, "it began again")
        }

        @Test("whose answers to the renames are lost, finds its own files by asking")
        func lostAnswers() async throws {
            defer { relay.stop() }
            try workshop.feed(3)
            let inbox = workshop
            relay.change { $0.cutsAnswer = { inbox.files("inbox").contains { !$0.hasSuffix(".part") } } }
            try await workshop.expectEverythingDelivered(3)
            #expect(try workshop.manifestEntries().contains { $0["confirmation"] as? String == "by-question" })
        }

        @Test("whose host key changed, is held and says so, and goes on when it is released")
        func changedKey() async throws {
            defer { relay.stop() }
            let impostor = try SSHServer()
            relay.change { $0.target = impostor.port }
            try workshop.feed(2)
            #expect(try await workshop.deliverAll().status == 1)
            #expect(workshop.files("inbox") == [])
            let status = try await workshop.pouch().run("status")
            let shown = try impostor.fingerprint()
            #expect(status.output.contains(shown), "\(status.output)")
            let doctor = try await workshop.pouch().run("doctor")
            #expect(doctor.status == 1 && doctor.output.contains("FAILURE"), "\(doctor.output)")
            relay.change { [server] in $0.target = server.port }
            #expect(try await workshop.pouch().run("release", "desk").status == 0)
            try await workshop.expectEverythingDelivered(2)
        }

        @Test("is looked at, explained and sent to from the command line")
        func commands() async throws {
            defer { relay.stop() }
            let pouch = workshop.pouch()
            let check = try await pouch.run("check")
            #expect(check.status == 0 && check.output.contains("place in sftp://"), "\(check.errors)")
            let doctor = try await pouch.run("doctor")
            #expect(doctor.status == 0, "\(doctor.output)\(doctor.errors)")
            #expect(doctor.output.contains("libssh2") && doctor.output.contains("renamed"), "\(doctor.output)")
            #expect(workshop.files("inbox") == [])
            let explained = try await pouch.run("explain", "drop/a b.csv", "--size", "5")
            #expect(explained.status == 0 && explained.output.contains("sftp://"), "\(explained.output)")
            try Data("alone".utf8).write(to: workshop.folder.appendingPathComponent("alone.pdf"))
            let sent = try await pouch.run("send", "alone.pdf", "--to", "desk")
            #expect(sent.status == 0, "\(sent.errors)")
            #expect(try workshop.text("inbox/alone.pdf") == "alone")
        }

        @Test("whose settings are wrong, is told where, with line and column")
        func settings() async throws {
            defer { relay.stop() }
            try configure(more: ", mode: 0999, sidecar: md5, host: twice")
            let duplicate = try await workshop.pouch().run("check")
            #expect(duplicate.status == 78)
            try configure(more: ", mode: \"0999\", sidecar: md5, sessions: none")
            let wrong = try await workshop.pouch().run("check")
            #expect(wrong.status == 78)
            #expect(wrong.errors.contains("agent.yaml:3:") && wrong.errors.contains("sha256, done"), "\(wrong.errors)")
            try configure(login: "agent: false", more: ", mode: \"0999\"")
            let unsound = try await workshop.pouch().run("check")
            #expect(
                unsound.errors.contains("nothing says how to log in") && unsound.errors.contains("no file mode"),
                "\(unsound.errors)")
        }

        @Test("lets in the key of an SSH agent")
        func agent() async throws {
            defer { relay.stop() }
            let socket = server.folder.path("agent.sock")
            let agent = try SpawnedProgram("/usr/bin/ssh-agent", ["-D", "-a", socket])
            defer { agent.terminate() }
            try await eventually("the SSH agent listens") { FileManager.default.fileExists(atPath: socket) }
            try SpawnedProgram.run("/usr/bin/ssh-add", ["-q", server.userKey()], environment: ["SSH_AUTH_SOCK=\(socket)"])
            try configure(login: "agent: true")
            try workshop.feed(1)
            var pouch = workshop.pouch()
            pouch.environment["SSH_AUTH_SOCK"] = socket
            let ending = try await pouch.run("run", "--once")
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try workshop.judge() == Workshop.Verdict())
        }
    }
}
