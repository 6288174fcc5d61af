import Foundation
import Testing

extension Scenarios {
    @Suite("the agent as a process", .serialized)
    struct ProcessTests {
        @Test("a second agent on one state folder ends with 75 and names the one that has it")
        func secondAgent() async throws {
            let workshop = try Workshop()
            let ending = try await workshop.serving { first in
                let second = try await workshop.pouch().run("run")
                #expect(second.status == 75)
                #expect(second.errors.contains("\(first.identifier)"), "\(second.errors)")
            }
            #expect(ending.status == 0, "\(ending.errors)")
        }

        @Test("asked to end in the middle of its work, it ends within 10 s, and loses nothing")
        func drains() async throws {
            let workshop = try Workshop(
                partners: "desk: { deliver: { with: local, path: ./inbox }, limits: { at-once: 4, bandwidth: 1MiB/s } }")
            try workshop.feed(12, sizes: 500_000...500_000)
            let times = Stopwatch()
            let ending = try await workshop.serving { _ in
                try await eventually("the first is there") { !workshop.files("inbox").filter { !$0.hasPrefix(".") }.isEmpty }
                times.start()
            }
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(times.elapsed < .seconds(10), "it took \(times.elapsed)")
            #expect(try workshop.judge(isOver: false) == Workshop.Verdict())
            try workshop.configure()
            try await workshop.expectEverythingDelivered(12)
        }
    }

    @Suite("stepping in", .serialized)
    struct SteppingInTests {
        @Test("what is quarantined is tried again under a new id that names the old one")
        func retry() async throws {
            let workshop = try Workshop(partners: "desk: { deliver: { with: local, path: ./inbox, when-taken: fail } }")
            let stranger = workshop.inbox.appendingPathComponent("taken.csv")
            try Data("a stranger's".utf8).write(to: stranger)
            try workshop.put("ours", as: "taken.csv")
            #expect(try await workshop.deliverAll().status == 1)
            let quarantined = try #require(try workshop.manifestDeliveries().first)
            try FileManager.default.removeItem(at: stranger)
            let retry = try await workshop.pouch().run("retry", String(quarantined.prefix(8)))
            #expect(retry.status == 0, "\(retry.errors)")
            let last = try await workshop.deliverAll()
            #expect(last.status == 0, "\(last.errors)")
            #expect(try workshop.judge() == Workshop.Verdict())
            let entries = try workshop.manifestEntries()
            #expect(entries.map { $0["outcome"] as? String } == ["quarantined", "delivered"])
            #expect(entries.last?["retries"] as? String == quarantined)
            #expect(try await workshop.statusCount("unaccounted") == 0)
        }

        @Test("a partner that is held by hand gets nothing until it is released, across a restart")
        func holdByHand() async throws {
            let workshop = try Workshop()
            #expect(try await workshop.pouch().run("hold", "desk", "--reason", "they move tonight").status == 0)
            try workshop.feed(3)
            #expect(try await workshop.deliverAll().status == 1)
            #expect(workshop.files("inbox") == [])
            let status = try await workshop.pouch().run("status")
            #expect(status.output.contains("they move tonight"), "\(status.output)")
            #expect(try await workshop.pouch().run("release", "desk").status == 0)
            try await workshop.expectEverythingDelivered(3)
        }

        @Test("one file is sent at once, with a running agent and without one, and stays where it is")
        func send() async throws {
            let workshop = try Workshop()
            for name in ["alone.pdf", "together.pdf"] {
                try Data(name.utf8).write(to: workshop.folder.appendingPathComponent(name))
            }
            let alone = try await workshop.pouch().run("send", "alone.pdf", "--to", "desk")
            #expect(alone.status == 0, "\(alone.errors)")
            #expect(workshop.files("inbox") == ["alone.pdf"])
            let ending = try await workshop.serving { _ in
                let together = try await workshop.pouch().run("send", "together.pdf", "--to", "desk")
                #expect(together.status == 0, "\(together.errors)")
                #expect(workshop.files("inbox") == ["alone.pdf", "together.pdf"])
                let nobody = try await workshop.pouch().run("send", "together.pdf", "--to", "nobody")
                #expect(nobody.status == 1)
                #expect(nobody.errors.contains("desk"), "it names who there is: \(nobody.errors)")
            }
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(FileManager.default.fileExists(atPath: workshop.folder.path + "/alone.pdf"))
            #expect(try workshop.text("inbox/together.pdf") == "together.pdf")
            #expect(try workshop.manifestDeliveries().count == 2)
        }
    }

    @Suite("what is said afterwards", .serialized)
    struct RecordTests {
        private func delivered() async throws -> Workshop {
            let workshop = try Workshop()
            for name in ["reports/north.csv", "reports/south.csv", "west.csv"] { try workshop.put(name, as: name) }
            try await workshop.expectEverythingDelivered(3)
            return workshop
        }

        @Test("the status counts everything, and nothing is unaccounted for")
        func status() async throws {
            let workshop = try await delivered()
            #expect(try await workshop.statusCount("unaccounted") == 0)
            #expect(try await workshop.statusCount("journal", "total", "delivered") == 3)
            let text = try await workshop.pouch().run("status")
            #expect(text.status == 0)
            #expect(text.output.contains("unaccounted"), "\(text.output)")
        }

        @Test("a file's story can be told by its path, its name and its delivery")
        func trace() async throws {
            let workshop = try await delivered()
            let entry = try #require(
                try workshop.manifestEntries().first { (($0["file"] as? [String: Any])?["path"] as? String) == "reports/north.csv" }
            )
            let delivery = try #require(entry["delivery"] as? String)
            for text in ["reports/north.csv", "north.csv", String(delivery.prefix(8))] {
                let told = try await workshop.pouch().run("trace", text)
                #expect(told.status == 0, "\(told.errors)")
                #expect(told.output.contains(delivery) && told.output.contains("delivered"), "\(told.output)")
            }
            #expect(try await workshop.pouch().run("trace", "nothing.csv").status == 1)
        }

        @Test("the manifest can be shown, whole and in part")
        func show() async throws {
            let workshop = try await delivered()
            let all = try await workshop.pouch().run("manifest", "show", "--json")
            #expect(all.output.split(separator: "\n").map(String.init) == (try workshop.manifest()))
            let north = try await workshop.pouch().run("manifest", "show", "--matching", "north")
            #expect(north.output.split(separator: "\n").count == 1 && north.output.contains("reports/north.csv"), "\(north.output)")
            #expect(try await workshop.pouch().run("manifest", "show", "--last", "2").output.split(separator: "\n").count == 2)
        }

        @Test("a line that was tampered with is named")
        func tampered() async throws {
            let workshop = try await delivered()
            let file = workshop.folder.appendingPathComponent("state/manifest/manifest.jsonl")
            var lines = try workshop.manifest()
            lines[1] = lines[1].replacingOccurrences(of: "\"partner\":\"desk\"", with: "\"partner\":\"dask\"")
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
            let verified = try await workshop.pouch().run("manifest", "verify")
            #expect(verified.status == 1)
            #expect(verified.errors.contains("line 2"), "\(verified.errors)")
            try Data((lines.prefix(1).joined(separator: "\n") + "\n").utf8).write(to: file)
            let cut = try await workshop.pouch().run("manifest", "verify")
            #expect(cut.status == 1)
            #expect(cut.errors.contains("cut-tail"), "\(cut.errors)")
        }

        @Test("every mistake of a configuration is told with its place, and the check ends with 78")
        func check() async throws {
            let workshop = try Workshop()
            #expect(try await workshop.pouch().run("check").status == 0)
            try workshop.write(
                configuration: """
                    agent: { name: scenario, state: ./state }
                    partners:
                      desk: { deliver: { with: local, paht: ./inbox } }
                    folders:
                      - { watch: ./drop, then: remove }
                    routes:
                      - { name: all, when: { path: "**" }, to: [dask], as: "{path}" }

                    """)
            let checked = try await workshop.pouch().run("check")
            #expect(checked.status == 78)
            for place in ["agent.yaml:3:35: ", "agent.yaml:5:28: ", "agent.yaml:7:45: "] {
                #expect(checked.errors.contains(place), "\(place) is missing: \(checked.errors)")
            }
            #expect(try await workshop.pouch().run("run").status == 78)
        }
    }
}
