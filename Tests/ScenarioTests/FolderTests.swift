import Foundation
import Testing

extension Scenarios {
    @Suite("a drop folder", .serialized)
    struct FolderTests {
        @Test("the same name dropped again while the first is on its way: both arrive, the second beside the first")
        func sameNameTwice() async throws {
            let workshop = try Workshop()
            _ = try await workshop.pouch().run("hold", "desk")
            let ending = try await workshop.serving { _ in
                for (number, text) in ["first", "second"].enumerated() {
                    try workshop.put(text, as: "daily.csv")
                    try await eventually("the \(text) is taken") {
                        try await workshop.statusCount("journal", "total", "admitted") == number + 1
                    }
                }
                _ = try await workshop.pouch().run("release", "desk")
                try await eventually("both are there") { workshop.files("inbox").count == 2 }
            }
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try workshop.judge() == Workshop.Verdict())
            let names = workshop.files("inbox")
            #expect(names.contains("daily.csv"))
            #expect(names.contains { $0.wholeMatch(of: /daily~[0-9a-f]{8}\.csv/) != nil }, "\(names)")
            try await workshop.expectEverythingDelivered(2)
        }

        @Test("`keep` leaves the source, delivers it once, and again after a change")
        func keep() async throws {
            let workshop = try Workshop(watch: "then: keep")
            try workshop.put("one", as: "a/report.csv")
            for _ in 0..<2 {
                let ending = try await workshop.deliverAll()
                #expect(ending.status == 0, "\(ending.errors)")
                #expect(workshop.files("drop") == ["a/report.csv"])
                #expect(workshop.files("inbox") == ["a/report.csv"])
            }
            try workshop.put("two", as: "a/report.csv")
            let ending = try await workshop.deliverAll()
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(workshop.files("drop") == ["a/report.csv"])
            #expect(workshop.files("inbox").count == 2)
            #expect(try workshop.judge() == Workshop.Verdict())
            #expect(try workshop.manifestDeliveries().count == 2)
        }

        @Test("the archive keeps the relative path")
        func archive() async throws {
            let workshop = try Workshop(watch: "then: { archive: ./archive, keep-for: 30d }")
            try workshop.put("x", as: "a/b c/ü.csv")
            try await workshop.expectEverythingDelivered(1)
            #expect(workshop.files("archive") == ["a/b c/ü.csv"])
        }

        @Test("a producer that mirrors with --delete does not take a claimed file away")
        func mirror() async throws {
            let workshop = try Workshop()
            let source = workshop.folder.appendingPathComponent("source")
            try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
            try workshop.put("mirrored", as: "a/b.csv")
            _ = try await workshop.pouch().run("hold", "desk")
            let ending = try await workshop.serving { _ in
                try await eventually("the file is taken") { try await workshop.statusCount("journal", "total", "admitted") == 1 }
                try Self.mirror(source, to: workshop.drop)
                _ = try await workshop.pouch().run("release", "desk")
                try await eventually("it is there") { workshop.files("inbox") == ["a/b.csv"] }
            }
            #expect(ending.status == 0, "\(ending.errors)")
            try await workshop.expectEverythingDelivered(1)
        }

        /// An empty source: everything that lies in the folder goes. Where there is no rsync its effect has to do.
        private static func mirror(_ source: URL, to folder: URL) throws {
            let rsync = URL(fileURLWithPath: "/usr/bin/rsync")
            guard FileManager.default.isExecutableFile(atPath: rsync.path) else {
                for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                    try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
                }
                return
            }
            let run = try Process.run(rsync, arguments: ["-a", "--delete", source.path + "/", folder.path + "/"])
            run.waitUntilExit()
        }

        @Test("with markers a file waits for its marker, and the marker goes with it")
        func markers() async throws {
            let workshop = try Workshop(watch: #"ready: { marker: "{name}.done" }, then: delete"#)
            try workshop.put("marked", as: "in/one.csv")
            try workshop.put("not yet", as: "in/two.csv")
            try Data().write(to: workshop.drop.appendingPathComponent("in/one.csv.done"))
            let ending = try await workshop.pouch().run("run", "--once", "--patience", "2")
            #expect(ending.status == 1, "one file still waits: \(ending.errors)")
            #expect(workshop.files("inbox") == ["in/one.csv"])
            #expect(workshop.files("drop") == ["in/two.csv"])
            try Data().write(to: workshop.drop.appendingPathComponent("in/two.csv.done"))
            try await workshop.expectEverythingDelivered(2)
        }
    }

    @Suite("a file that cannot be routed", .serialized)
    struct UnmatchedTests {
        private static let narrow = #"{ name: reports, when: { path: "reports/**" }, to: [desk], as: "{path}" }"#

        private func workshop(_ policy: String) throws -> Workshop {
            let workshop = try Workshop(routes: Self.narrow, rest: "unmatched: \(policy)")
            try workshop.put("wanted", as: "reports/a.csv")
            try workshop.put("unwanted", as: "stray.csv")
            return workshop
        }

        @Test("with `hold` stays where it is, and the run ends with 1")
        func hold() async throws {
            let workshop = try workshop("hold")
            #expect(try await workshop.deliverAll().status == 1)
            #expect(workshop.files("drop") == ["stray.csv"])
            #expect(workshop.files("inbox") == ["reports/a.csv"])
        }

        @Test("with `ignore` stays where it is, and the run ends with 0")
        func ignore() async throws {
            let workshop = try workshop("ignore")
            #expect(try await workshop.deliverAll().status == 0)
            #expect(workshop.files("drop") == ["stray.csv"])
            #expect(workshop.files("inbox") == ["reports/a.csv"])
        }

        @Test("with `quarantine` goes to the quarantine, with the reason beside it")
        func quarantine() async throws {
            let workshop = try workshop("quarantine")
            _ = try await workshop.deliverAll()
            #expect(workshop.files("drop") == [])
            #expect(workshop.files("inbox") == ["reports/a.csv"])
            let quarantined = workshop.files("state/quarantine")
            #expect(quarantined.contains { $0.hasSuffix("/stray.csv") }, "\(quarantined)")
            #expect(quarantined.contains { $0.hasSuffix("/stray.csv.reason.json") }, "\(quarantined)")
            #expect(try await workshop.statusCount("unaccounted") == 0)
        }

        @Test("a name that is not UTF-8 is quarantined, and the manifest has its bytes")
        func notText() async throws {
            let workshop = try Workshop()
            let place = Array(workshop.drop.path.utf8) + [UInt8(ascii: "/"), 0x6E, 0xFF, 0xE4, 0x2E, 0x78]
            let descriptor = open(place.map { CChar(bitPattern: $0) } + [0], O_CREAT | O_WRONLY | O_EXCL, 0o644)
            try #require(descriptor >= 0)
            close(descriptor)
            let ending = try await workshop.deliverAll()
            #expect(ending.status == 1)
            let entry = try #require(try workshop.manifestEntries().first)
            #expect(entry["outcome"] as? String == "quarantined")
            #expect((entry["reason"] as? [String: Any])?["code"] as? String == "name-not-utf8")
            let bytes = (entry["file"] as? [String: Any])?["pathBytes"] as? String
            #expect(bytes == Data([0x6E, 0xFF, 0xE4, 0x2E, 0x78]).base64EncodedString())
            let name: [UInt8] = [0x6E, 0xFF, 0xE4, 0x2E, 0x78]
            let quarantined = try Self.names(below: workshop.folder.appendingPathComponent("state/quarantine"))
            #expect(quarantined.contains(name))
            #expect(quarantined.contains(name + Array(".reason.json".utf8)))
            #expect(try await workshop.statusCount("unaccounted") == 0)
        }

        /// The names in the folders of a folder, as bytes.
        private static func names(below folder: URL) throws -> [[UInt8]] {
            try FileManager.default.contentsOfDirectory(atPath: folder.path).flatMap { inner in
                guard let listing = opendir(folder.path + "/" + inner) else { throw CocoaError(.fileReadUnknown) }
                defer { closedir(listing) }
                var names: [[UInt8]] = []
                while let entry = readdir(listing) {
                    names.append(withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) })
                }
                return names
            }
        }
    }
}
