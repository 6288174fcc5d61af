import Foundation
import Testing

extension Scenarios.SecureInbox {
    @Suite("a partner that refuses", .serialized)
    struct HoldTests {
        private static let desk = "desk: { deliver: { with: local, path: ./inbox } }"
        private static let both = #"{ name: all, when: { path: "**" }, to: [acme, desk], as: "{path}" }"#

        @Test("is held, once told of and with the reason; the other partner goes on, and after the fix and a release all arrives")
        func holdsAndReleases() async throws {
            let inbox = try SecureInboxWorkshop()
            let told = inbox.workshop.folder.appendingPathComponent("told").path
            let alerts = #"alerts: { command: [/bin/sh, -c, "cat >> \#(told)"] }"#
            // No policy of org B lets anybody write there.
            try inbox.configure(inboxPrefix: "elsewhere/", partners: Self.desk, routes: Self.both, rest: alerts)
            try inbox.workshop.feed(5)
            let held = try await inbox.workshop.deliverAll()
            #expect(held.status == 1)
            #expect(try inbox.workshop.judge() == Workshop.Verdict(), "the desk has everything")
            #expect(try await inbox.objects().isEmpty)

            let lines = try inbox.workshop.text("told").split(separator: "\n")
            #expect(lines.count == 1, "\(lines)")
            let alert = try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8)) as? [String: Any]
            #expect(alert?["kind"] as? String == "held")
            #expect(alert?["subject"] as? String == "acme")
            #expect(try await inbox.workshop.statusCount("unaccounted") == 0)
            let status = try await inbox.workshop.pouch().run("status")
            #expect(status.output.contains("AccessDenied"), "\(status.output)")

            try inbox.configure(partners: Self.desk, routes: Self.both, rest: alerts)
            let stillHeld = try await inbox.workshop.deliverAll()
            #expect(stillHeld.status == 1, "the hold survives")
            #expect(try await inbox.objects().isEmpty)
            let release = try await inbox.workshop.pouch().run("release", "acme")
            #expect(release.status == 0, "\(release.errors)")
            try await inbox.expectHeldArrives(10)
        }
    }
}

extension SecureInboxWorkshop {
    fileprivate func expectHeldArrives(_ lines: Int) async throws {
        let last = try await workshop.deliverAll()
        #expect(last.status == 0, "\(last.errors)")
        #expect(try await judge() == Workshop.Verdict())
        #expect(try workshop.judge() == Workshop.Verdict())
        try await workshop.expectRecorded(lines)
    }
}
