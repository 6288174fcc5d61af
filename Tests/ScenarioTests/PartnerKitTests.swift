import Foundation
import Testing

extension Scenarios {
    @Suite("a partner's kit", .serialized)
    struct PartnerKitTests {
        private static let identities = """
            identities:
              generator: { role: "arn:aws:iam::111111111111:role/generator", from: { profile: edge, file: ./sandbox/credentials } }
              publisher: { role: "arn:aws:iam::111111111111:role/publisher", from: { profile: edge, file: ./sandbox/credentials } }
            """

        private static let partner = """
            acme:
              deliver:
                with: s3-secure-inbox
                repository: { bucket: orga-repository, region: eu-west-1, prefix: "acme/", key: "\(SandboxProcess.key)", as: generator }
                inbox: { bucket: acme-inbox, region: eu-west-1, owner: "222222222222", prefix: "from-orga/", key: "\(SandboxProcess.key)", as: publisher }
            """

        @Test("written from agent.yaml and applied in a sandbox, lets files through, and doctor attests what it grants and refuses")
        func rehearses() async throws {
            let workshop = try Workshop()
            try configure(workshop, aws: "")
            let pouch = workshop.pouch()
            let kit = try await pouch.run("partner", "kit", "acme", "--out", "kit")
            #expect(kit.status == 0, "\(kit.errors)")
            #expect(kit.output.contains("kit/org-b/LETTER.md"))
            let again = try await pouch.run("partner", "kit", "acme", "--out", "kit")
            #expect(again.status == 1)
            #expect(again.errors.contains("is there already") && again.errors.contains("hint: --force"), "\(again.errors)")
            let texts = try texts(of: workshop)
            #expect(texts.count > 12)
            let forced = try await pouch.run("partner", "kit", "acme", "--out", "kit", "--force")
            #expect(forced.status == 0, "\(forced.errors)")
            #expect(try self.texts(of: workshop) == texts, "the same bytes, written by another process")

            let arguments = [
                "sandbox", "--port", "0", "--folder", "sandbox", "--ready-file", "ready", "--scenario", "kit/rehearsal.json",
            ]
            let sandbox = try await pouch.run(arguments) { running in
                try await eventually("the sandbox listens") {
                    if running.isOver { throw NeverCame(description: "the sandbox ended") }
                    return FileManager.default.fileExists(atPath: workshop.folder.appendingPathComponent("ready").path)
                }
                try await delivers(workshop)
                running.kill()
            }
            #expect(sandbox.wasKilled, "\(sandbox.errors)")
        }

        private func texts(of workshop: Workshop) throws -> [String: String] {
            var texts: [String: String] = [:]
            for folder in ["kit/org-a", "kit/org-b"] {
                let path = workshop.folder.appendingPathComponent(folder).path
                for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                    texts["\(folder)/\(name)"] = try workshop.text("\(folder)/\(name)")
                }
            }
            return texts
        }

        private func delivers(_ workshop: Workshop) async throws {
            let sandbox = try SandboxProcess(folder: workshop.folder.appendingPathComponent("sandbox"))
            try configure(workshop, aws: #"aws: { endpoint: "\#(sandbox.endpoint)", ca-file: ./sandbox/ca.pem }"#)
            let doctor = try await workshop.pouch().run("doctor", "acme", "--json")
            #expect(doctor.status == 0, "\(doctor.output)\n\(doctor.errors)")
            let report = try #require(try JSONSerialization.jsonObject(with: Data(doctor.output.utf8)) as? [String: Any])
            let attestation = try #require(report["attestation"] as? [String: Any])
            #expect(attestation["isLeastPrivilege"] as? Bool == true, "\(attestation)")
            let remarks = attestation["remarks"] as? [String] ?? []
            #expect(remarks.contains { $0.contains("this host holds both identities") }, "\(remarks)")

            try workshop.feed(3)
            let run = try await workshop.deliverAll()
            #expect(run.status == 0, "\(run.errors)")
            let objects = try await sandbox.objects(below: "from-orga/").filter { !$0.key.contains("/.pouch-probe/") }
            #expect(
                workshop.judge(objects.map { .init(place: $0.key, sha256: $0.sha256 ?? "") }, isOver: true) == Workshop.Verdict())
            #expect(objects.allSatisfy { $0.keyARN == SandboxProcess.key && $0.owner.contains("222222222222") })
        }

        private func configure(_ workshop: Workshop, aws: String) throws {
            try workshop.configure(
                partners: Self.partner, routes: SecureInboxWorkshop.routes, rest: aws + "\n" + Self.identities)
        }
    }
}
