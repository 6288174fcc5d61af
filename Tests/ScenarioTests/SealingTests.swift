import Foundation
import PouchCrypto
import PouchKit
import PouchTestSupport
import Testing

extension Scenarios {
    @Suite("a partner whose files are sealed", .serialized)
    struct SealingTests {
        @Test("gets them so that each recipient opens them with the documented line of openssl, whatever their size")
        func delivers() async throws {
            let sealed = try SealedWorkshop()
            let workshop = sealed.workshop
            for size in [0, 1, 4_095, 4_096, 4_097, 1_048_576] {
                try workshop.put(Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }), as: "sizes/\(size).bin")
            }
            let run = try await workshop.deliverAll()
            #expect(run.status == 0, "\(run.errors)")
            for recipient in [sealed.partner, sealed.archive] {
                #expect(workshop.judge(try sealed.opened(by: recipient), isOver: true) == Workshop.Verdict())
            }
            #expect(sealed.leftovers() == [])
            try await workshop.expectRecorded(6)
            for entry in try workshop.manifestEntries() {
                let location = try #require(entry["location"] as? String)
                #expect(location.hasSuffix(".bin.cms"))
                let body = try Data(contentsOf: try #require(URL(string: location)))
                let record = try #require(entry["sealed"] as? [String: Any])
                #expect(record["sha256"] as? String == SHA256Hasher.digest(of: Array(body)).description)
                #expect(record["size"] as? Int == body.count && (record["recipients"] as? [String])?.count == 2)
                #expect(entry["version"] as? Int == 2)
            }
        }

        @Test("gets a large file so, in little memory and through one spool file")
        func deliversLarge() async throws {
            let isFull = ProcessInfo.processInfo.environment["POUCH_FULL"] != nil
            let sealed = try SealedWorkshop()
            let size = isFull ? 1 << 30 : 64 << 20
            try sealed.workshop.putLarge(size, as: "large.bin")
            let run = try await sealed.workshop.deliverAll()
            #expect(run.status == 0, "\(run.errors)")
            #expect(sealed.workshop.judge(try sealed.opened(), isOver: true) == Workshop.Verdict())
            #expect(sealed.leftovers() == [])
        }

        @Test("gets nothing out of a file in which a byte was changed on its way")
        func flipped() async throws {
            let sealed = try SealedWorkshop()
            try sealed.workshop.put(String(repeating: "contents\n", count: 1_000), as: "report.csv")
            #expect(try await sealed.workshop.deliverAll().status == 0)
            let arrived = sealed.workshop.inbox.appendingPathComponent("report.csv.cms")
            let whole = try Data(contentsOf: arrived)
            for position in [whole.count - 5_000, whole.count - 30, whole.count - 10] {
                var changed = whole
                changed[position] ^= 1
                try changed.write(to: arrived)
                #expect(throws: SealedWorkshop.NotOpened.self) { try SealedWorkshop.open(arrived, with: sealed.partner.keyPath) }
            }
            try whole.write(to: arrived)
            #expect(workshopText(try SealedWorkshop.open(arrived, with: sealed.partner.keyPath)).hasPrefix("contents\n"))
        }

        private func workshopText(_ data: Data) -> String { String(decoding: data, as: UTF8.self) }

        @Test(
            "gets each file once, killed while it is sealed and at every step after it",
            arguments: [CrashPoint.sealing, .sealed, .staged, .saved, .delivered, .completed, .disposed])
        func survivesKill(at point: CrashPoint) async throws {
            let sealed = try SealedWorkshop()
            let workshop = sealed.workshop
            try workshop.feed(4)
            let killed = try await workshop.pouch(crashAt: point, count: 2).run("run", "--once")
            #expect(killed.wasKilled, "the process was to die at \(point): \(killed.errors)")
            #expect(workshop.judge(try sealed.opened(), isOver: false) == Workshop.Verdict())
            let last = try await workshop.deliverAll()
            #expect(last.status == 0, "\(last.errors)")
            #expect(workshop.judge(try sealed.opened(), isOver: true) == Workshop.Verdict())
            #expect(sealed.leftovers() == [])
            try await workshop.expectRecorded(4)
        }

        @Test("gets a file whole that was killed in the middle of sealing: what lay in the spool is made anew")
        func killedInTheMiddle() async throws {
            let sealed = try SealedWorkshop()
            try sealed.workshop.putLarge(24 << 20, as: "large.bin")
            let killed = try await sealed.workshop.pouch(crashAt: .sealing, count: 12).run("run", "--once")
            #expect(killed.wasKilled)
            #expect(sealed.workshop.files("state/sealed").count == 1, "the torn spool file is there")
            #expect(try await sealed.workshop.deliverAll().status == 0)
            #expect(sealed.workshop.judge(try sealed.opened(), isOver: true) == Workshop.Verdict())
            #expect(sealed.leftovers() == [])
        }

        @Test("is told of by check, explain, status, trace and doctor")
        func isTold() async throws {
            let sealed = try SealedWorkshop()
            let workshop = sealed.workshop
            let check = try await workshop.pouch().run("check")
            #expect(check.status == 0 && check.output.contains("sealed to CN=desk,O=Globex (RSA 2048, until "), "\(check.output)")
            try workshop.put("contents", as: "report.csv")
            let explain = try await workshop.pouch().run("explain", "drop/report.csv")
            #expect(explain.output.contains("key  report.csv.cms\n  sealed to CN=desk,O=Globex"), "\(explain.output)")
            let ending = try await workshop.serving { _ in
                try await eventually("it is delivered") { workshop.files("inbox") == ["report.csv.cms"] }
                let status = try await workshop.pouch().run("status")
                #expect(status.output.contains("desk: sealed to CN=desk,O=Globex"), "\(status.output)")
            }
            #expect(ending.status == 0, "\(ending.errors)")
            let trace = try await workshop.pouch().run("trace", "report.csv")
            #expect(
                trace.output.contains("  sealed    ") && trace.output.contains("for the certificate with sha256 "),
                "\(trace.output)")
            let doctor = try await workshop.pouch().run("doctor")
            #expect(doctor.output.contains("files are sealed to CN=archive,O=Globex (EC P-256"), "\(doctor.output)")
        }

        @Test(
            "whose certificate is replaced by an expired one is held with the reason, and goes on with a good one after its release"
        )
        func expires() async throws {
            let sealed = try SealedWorkshop()
            let workshop = sealed.workshop
            let path = URL(fileURLWithPath: sealed.archive.certificatePath)
            let good = try Data(contentsOf: path)
            let old = try CertificateAuthority(name: "archive", now: Timestamp(seconds: 1_600_000_000), validFor: .seconds(86_400))
            try Data(old.own.certificate.utf8).write(to: path)
            try workshop.put("contents", as: "report.csv")
            #expect(try await workshop.deliverAll().status == 1)
            let status = try await workshop.pouch().run("status")
            #expect(
                status.output.contains("desk is held since") && status.output.contains("CN=archive expired"), "\(status.output)")
            try good.write(to: path)
            #expect(try await workshop.pouch().run("release", "desk").status == 0)
            let last = try await workshop.deliverAll()
            #expect(last.status == 0, "\(last.errors)")
            #expect(workshop.judge(try sealed.opened(), isOver: true) == Workshop.Verdict())
        }

        @Test("can be given a name by the route's template instead")
        func namedByTemplate() async throws {
            let sealed = try SealedWorkshop(routes: #"{ name: all, when: { path: "**" }, to: [desk], as: "{stem}/{name}.cms" }"#)
            try sealed.workshop.put("contents", as: "report.csv")
            #expect(try await sealed.workshop.deliverAll().status == 0)
            #expect(sealed.workshop.files("inbox") == ["report/report.csv.cms"])
        }
    }

    @Suite("sealing by hand", .serialized)
    struct SealByHandTests {
        private func bench() throws -> (workshop: Workshop, one: Recipient, two: Recipient) {
            let workshop = try Workshop()
            let one = try Recipient(.rsa2048, named: "one", in: workshop.folder.path)
            let two = try Recipient(.p384, named: "two", in: workshop.folder.path)
            try Data("contents\n".utf8).write(to: workshop.folder.appendingPathComponent("report.csv"))
            return (workshop, one, two)
        }

        @Test("seals a file for two, and each of them opens it")
        func sealsAndOpens() async throws {
            let (workshop, one, two) = try bench()
            let sealed = try await workshop.pouch().run("seal", "report.csv", "--to", "one.pem", "--to", "two.pem")
            #expect(
                sealed.status == 0 && sealed.output.contains("CN=one,O=Globex (RSA 2048) and CN=two,O=Globex (EC P-384)"),
                "\(sealed)")
            for recipient in [one, two] {
                let output = "opened-by-\(recipient.name)"
                let opened = try await workshop.pouch().run(
                    "open", "report.csv.cms", "--key", "\(recipient.name).key", "--cert", "\(recipient.name).pem", "-o", output)
                #expect(opened.status == 0, "\(opened.errors)")
                #expect(try workshop.text(output) == "contents\n")
                #expect(try OpenSSLTool.opened(workshop.folder.path + "/report.csv.cms", by: recipient) == Array("contents\n".utf8))
            }
            let again = try await workshop.pouch().run("open", "report.csv.cms", "--key", "one.key")
            #expect(
                again.status == 1 && again.errors.contains("could not make \(workshop.folder.path)/report.csv"), "\(again.errors)")
        }

        @Test("opens nothing of a file that was changed, and nothing with a stranger's key")
        func opensNothing() async throws {
            let (workshop, _, _) = try bench()
            #expect(try await workshop.pouch().run("seal", "report.csv", "--to", "one.pem", "-o", "sealed.cms").status == 0)
            let stranger = try await workshop.pouch().run(
                "open", "sealed.cms", "--key", "two.key", "--cert", "two.pem", "-o", "out")
            #expect(stranger.status == 1 && stranger.errors.contains("not sealed to CN=two"), "\(stranger.errors)")
            var bytes = try Data(contentsOf: workshop.folder.appendingPathComponent("sealed.cms"))
            bytes[bytes.count - 36] ^= 1
            try bytes.write(to: workshop.folder.appendingPathComponent("sealed.cms"))
            let changed = try await workshop.pouch().run("open", "sealed.cms", "--key", "one.key", "-o", "out")
            #expect(changed.status == 1 && changed.errors.contains("it was changed on its way"), "\(changed.errors)")
            let left = try FileManager.default.contentsOfDirectory(atPath: workshop.folder.path)
            #expect(!left.contains("out") && !left.contains { $0.hasSuffix(".part") }, "\(left)")
        }

        @Test("says what is missing, and refuses what cannot be sealed to")
        func refuses() async throws {
            let (workshop, _, _) = try bench()
            #expect(try await workshop.pouch().run("seal", "report.csv").status == 64)
            #expect(try await workshop.pouch().run("open", "report.bin", "--key", "one.key").status == 64)
            let key = try await workshop.pouch().run("seal", "report.csv", "--to", "one.key")
            #expect(key.status == 1 && key.errors.contains("has a private key in it"), "\(key.errors)")
            let missing = try await workshop.pouch().run("seal", "nothing.csv", "--to", "one.pem")
            #expect(missing.status == 1 && missing.errors.contains("No such file"), "\(missing.errors)")
            #expect(workshop.files(".").filter { $0.hasSuffix(".cms") } == [])
        }
    }
}
