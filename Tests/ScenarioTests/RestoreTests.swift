import Foundation
import PouchTestSupport
import Testing

extension Scenarios {
    @Suite("a state that is put back", .serialized)
    struct RestoreTests {
        /// What the package installs as /usr/share/pouch/backup.
        private static let script: String = {
            let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            return checkout.deletingLastPathComponent().appendingPathComponent("packaging/backup.py").path
        }()

        private func backup(_ what: String, _ from: String, _ to: String) throws {
            try SpawnedProgram.run("/usr/bin/python3", [Self.script, what, from, to])
        }

        private static let slow = "desk: { deliver: { with: local, path: ./inbox }, limits: { at-once: 2, bandwidth: 256KiB/s } }"

        @Test(
            "copied while the agent ran, it goes on where the copy was: nothing is lost, nothing lies twice, all is accounted for")
        func hotCopy() async throws {
            let workshop = try Workshop(partners: Self.slow)
            let (state, copy) = (workshop.folder.path + "/state", workshop.folder.path + "/copy")
            try workshop.feed(24, sizes: 60_000...60_000)
            let killed = try await workshop.pouch().run("run") { running in
                try await eventually("everything is taken, and some is delivered") {
                    let admitted = try await workshop.statusCount("journal", "total", "admitted")
                    let delivered = try await workshop.statusCount("journal", "total", "delivered")
                    return admitted == 24 && (delivered ?? 0) > 2
                }
                try backup("save", state, copy)
                let copied = try workshop.manifestDeliveries().count
                // What is delivered from now on the copy does not know of.
                try await eventually("more is delivered") { try workshop.manifestDeliveries().count > copied + 3 }
                running.kill()
            }
            #expect(killed.wasKilled)
            try FileManager.default.moveItem(atPath: state, toPath: state + "-of-the-dead")
            try backup("restore", copy, state)
            try workshop.configure()
            try await workshop.expectEverythingDelivered(24)
            let verified = try await workshop.pouch().run("manifest", "verify")
            #expect(verified.status == 0, "\(verified.errors)")
        }

        @Test("is put over nothing, and from nothing")
        func refuses() async throws {
            let workshop = try Workshop()
            try workshop.feed(1)
            try await workshop.expectEverythingDelivered(1)
            let (state, copy) = (workshop.folder.path + "/state", workshop.folder.path + "/copy")
            try backup("save", state, copy)
            #expect(throws: SpawnedProgram.Problem.self, "the state is there") { try backup("restore", copy, state) }
            #expect(throws: SpawnedProgram.Problem.self, "that is no backup") {
                try backup("restore", workshop.drop.path, state + "-2")
            }
            #expect(throws: SpawnedProgram.Problem.self, "that is no state") { try backup("save", workshop.drop.path, copy + "-2") }
            #expect(try workshop.manifest().count == 1)
        }

        @Test("of a later Pouch is refused, naming both versions, and is not touched")
        func laterVersion() async throws {
            let workshop = try Workshop()
            try workshop.feed(1)
            try await workshop.expectEverythingDelivered(1)
            let journal = workshop.folder.path + "/state/journal.sqlite"
            try SpawnedProgram.run(
                "/usr/bin/python3",
                ["-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version = 999')", journal])
            let before = try Data(contentsOf: URL(fileURLWithPath: journal))
            let refused = try await workshop.pouch().run("run", "--once")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("schema version 999, this Pouch knows versions up to"), "\(refused.errors)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: journal)) == before)
        }
    }
}
