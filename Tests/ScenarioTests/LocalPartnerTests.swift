import Foundation
import PouchConformance
import PouchTestSupport
import Testing

extension Scenarios {
    @Suite("a partner on this machine or on a share", .serialized)
    struct LocalPartnerTests {
        @Test("gets a checksum beside each file that sha256sum can read, also where nothing is synced")
        func sidecars() async throws {
            let workshop = try Workshop(partners: Self.desk("path: ./inbox, sidecar: .sha256, fsync: false, mode: \"0640\""))
            try workshop.feed(3)
            try workshop.put("contents", as: "a b/back\\slash.csv")
            #expect(try await workshop.deliverAll().status == 0)
            let files = workshop.files("inbox")
            let sidecars = files.filter { $0.hasSuffix(".sha256") }
            #expect(files.count == 8 && sidecars.count == 4, "\(files)")
            for sidecar in sidecars {
                let place = workshop.inbox.appendingPathComponent(sidecar)
                let check = Process()
                check.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
                check.arguments = ["--check", "--strict", "--status", place.lastPathComponent]
                check.currentDirectoryURL = place.deletingLastPathComponent()
                try check.run()
                check.waitUntilExit()
                #expect(check.terminationStatus == 0, "\(sidecar)")
            }
            let doctor = try await workshop.pouch().run("doctor")
            #expect(doctor.output.contains("power cut"), "\(doctor.output)")
            let facts = try #require(try workshop.manifest().first)
            #expect(facts.contains("\"fsync\":\"off\""), "\(facts)")
        }

        @Test(
            "gets nothing beside a share that is not mounted: the file waits, and the status says for what",
            .enabled(if: TemporaryFolder.mayMount))
        func notMounted() async throws {
            let share = try TemporaryFolder("share")
            let mount = try share.makeFolder("mnt")
            let workshop = try Workshop(partners: Self.desk("path: \(mount)/acme, mount: \(mount)"))
            try workshop.put("contents", as: "report.csv")
            try await expectWaiting(workshop, for: "mount it")
            #expect(try share.files() == [] && !share.exists("mnt/acme"))
            try share.mountSmall(on: "mnt")
            let doctor = try await workshop.pouch().run("doctor")
            #expect(doctor.status == 0, "\(doctor.output)\(doctor.errors)")
        }

        @Test(
            "that has no room for a file gets no part of it: the file waits, and the status says for what",
            .enabled(if: TemporaryFolder.mayMount))
        func noRoom() async throws {
            let share = try TemporaryFolder("share")
            let mount = try share.makeFolder("mnt")
            try share.mountSmall(on: "mnt", size: "1m")
            let workshop = try Workshop(partners: Self.desk("path: \(mount)"))
            try workshop.putLarge(4 << 20, as: "large.bin")
            try workshop.put("contents", as: "small.csv")
            try await expectWaiting(workshop, for: "find room for 4194304 bytes")
            #expect(try share.files() == [Array("mnt/small.csv".utf8)])
        }

        private static func desk(_ settings: String) -> String {
            "desk: { deliver: { with: local, \(settings) }, limits: { at-once: 8 } }"
        }

        private func expectWaiting(_ workshop: Workshop, for text: String) async throws {
            let ending = try await workshop.pouch().run("run", "--once", "--patience", "2", "--log-level", "error")
            #expect(ending.status == 1 && ending.errors.contains("1 waiting"), "\(ending.errors)")
            let status = try await workshop.pouch().run("status")
            #expect(status.output.contains(text), "\(status.output)")
            #expect(workshop.files("state/claims").count == 1)
        }
    }
}
