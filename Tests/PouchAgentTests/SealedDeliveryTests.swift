import PouchAgent
import PouchCrypto
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest
import PouchTestSupport
import Synchronization
import Testing

/// A house in which acme's files are sealed to somebody whose key is there, too, and globex' are not.
private struct SealedHouse {
    let house: AgentHouse
    let recipient: Recipient
    let seal: SealPlan
    let acme: ScriptedDestination
    let globex: ScriptedDestination

    init(
        _ script: ScriptedDestination.Answer..., clock: any AgentClock = HurriedClock(), suffix: String? = nil,
        key: Recipient.Key = .p256,
        days: Int = 365
    ) throws {
        let (acme, globex) = (ScriptedDestination(script), ScriptedDestination())
        house = try AgentHouse([(Specimen.acme, acme), (Specimen.globex, globex)], clock: clock)
        recipient = try Recipient(key, named: "acme", in: house.folder.path, days: days)
        seal = SealPlan(recipients: SealRecipients(paths: [recipient.certificatePath]), suffix: suffix)
        (self.acme, self.globex) = (acme, globex)
        house.seals.withLock { [seal] in $0 = [Specimen.acme: seal] }
    }

    /// What acme got under a key, opened with its key.
    func opened(_ key: String) throws -> String {
        let sealed = try #require(acme.bodies[key])
        let path = try house.folder.write(sealed, to: "arrived")
        return String(decoding: try OpenSSLTool.opened(path, by: recipient), as: UTF8.self)
    }

    func spool() throws -> [String] { try house.files(in: "state/sealed") }

    func loseSpool() throws {
        let folder = try DirectoryHandle.open(house.folder.path("state/sealed"))
        for name in try spool() { try folder.remove(Array(name.utf8)) }
    }
}

@Suite("A delivery to a partner whose files are sealed")
struct SealedDeliveryTests {
    @Test("brings the sealed file, which opens to the drop; who gets it unsealed gets it as it is")
    func delivers() async throws {
        let sealed = try SealedHouse()
        try sealed.house.drop("seeds.csv", "contents")
        let ending = try await sealed.house.runOnce()
        #expect(ending.isComplete && ending.delivered == 2)
        #expect(try sealed.opened("seeds.csv") == "contents")
        #expect(sealed.globex.objects == ["seeds.csv": "contents"])
        #expect(try sealed.spool() == [])
    }

    @Test("is recorded with the digests of the file and of what was sent, and the certificate's fingerprint")
    func records() async throws {
        let sealed = try SealedHouse()
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        let entry = try #require(try await sealed.house.manifest().first { $0.partner == Specimen.acme })
        let body = try #require(sealed.acme.bodies["seeds.csv"])
        let certificate = try SealCertificate(sealed.recipient.certificate())
        #expect(entry.version == 2 && entry.file.sha256 == SHA256Hasher.digest(of: "contents") && entry.file.size == 8)
        #expect(entry.sealed?.digests.sha256 == SHA256Hasher.digest(of: body) && entry.sealed?.size == Int64(body.count))
        #expect(entry.sealed?.digests.crc64nvme == CRC64NVMEHasher.checksum(of: body))
        #expect(entry.sealed?.recipients == [certificate.fingerprint])
        let other = try #require(try await sealed.house.manifest().first { $0.partner == Specimen.globex })
        #expect(other.version == 1 && other.sealed == nil)
        let story = try #require(try await sealed.house.stories(of: "seeds.csv").first { $0.summary.partner == Specimen.acme })
        #expect(story.seal == entry.sealed && story.events.contains { $0.kind == .sealed })
    }

    @Test("sends the same bytes in every attempt, across a restart too")
    func sealsOnce() async throws {
        let sealed = try SealedHouse(.breakOff(.retry, code: "Busy"), .breakOff(.hold, code: "AccessDenied"))
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        #expect(sealed.acme.seen.count == 2)
        #expect(try sealed.spool().count == 1)
        #expect(try await sealed.house.runOnce(asking: .release(partner: Specimen.acme)).isComplete)
        #expect(sealed.acme.seen.count == 3 && Set(sealed.acme.seen).count == 1)
        #expect(try sealed.opened("seeds.csv") == "contents" && sealed.spool() == [])
    }

    @Test("goes under a key that ends in the suffix, once")
    func suffix() async throws {
        let sealed = try SealedHouse(suffix: ".cms")
        try sealed.house.drop("seeds.csv", "contents")
        try sealed.house.drop("already.cms", "others")
        _ = try await sealed.house.runOnce()
        #expect(sealed.acme.bodies.keys.sorted() == ["already.cms", "seeds.csv.cms"])
        #expect(sealed.globex.objects.keys.sorted() == ["already.cms", "seeds.csv"])
    }

    @Test("waits with its partner when the certificate has expired, and goes on with a new one, without a restart of the others")
    func expired() async throws {
        let sealed = try SealedHouse()
        let path = sealed.recipient.certificatePath
        let good = try sealed.recipient.certificate()
        let authority = try CertificateAuthority(name: "old", now: Timestamp(seconds: 1_500_000_000), validFor: .seconds(86_400))
        try DurableWrite.write(Array(authority.own.certificate.utf8), to: path)
        try sealed.house.drop("seeds.csv", "contents")
        #expect(try await sealed.house.runOnce().held == 1)
        #expect(sealed.acme.calls == [] && sealed.globex.objects.count == 1)
        let held = try #require(try await sealed.house.snapshot().heldPartners.first)
        #expect(held.partner == Specimen.acme && held.code == "seal-certificate-expired")
        #expect(held.reason.contains("CN=old expired") && held.reason.contains("pouch release acme"), "\(held.reason)")
        #expect(try sealed.house.alerts().contains { $0.kind == .held && $0.code == "seal-certificate-expired" })
        try DurableWrite.write(good, to: path)
        #expect(try await sealed.house.runOnce(asking: .release(partner: Specimen.acme)).isComplete)
        #expect(try sealed.opened("seeds.csv") == "contents")
    }

    @Test("is told thirty days before the certificate ends, and is made all the same")
    func expiring() async throws {
        let sealed = try SealedHouse(days: 12)
        try sealed.house.drop("seeds.csv", "contents")
        #expect(try await sealed.house.runOnce().isComplete)
        let alert = try #require(try sealed.house.alerts().first { $0.kind == .expiring })
        #expect(alert.subject == "acme" && alert.code == "seal-certificate-expires-in-30-days")
        #expect(alert.text.contains("expires in 11 days"), "\(alert.text)")
    }

    @Test("is sealed again when its sealed file is gone and nothing was begun at the partner")
    func lostBefore() async throws {
        let sealed = try SealedHouse(.refuse(.hold, code: "AccessDenied"))
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        try sealed.loseSpool()
        #expect(try await sealed.house.runOnce(asking: .release(partner: Specimen.acme)).isComplete)
        #expect(try sealed.opened("seeds.csv") == "contents" && sealed.spool() == [])
    }

    @Test("is sealed again when its sealed file rotted on the disk, and never sent so")
    func rotten() async throws {
        let sealed = try SealedHouse(.refuse(.hold, code: "AccessDenied"))
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        let name = try #require(try sealed.spool().first)
        var bytes = try sealed.house.folder.read("state/sealed/" + name)
        bytes[bytes.count / 2] ^= 1
        try sealed.house.folder.write(bytes, to: "state/sealed/" + name)
        #expect(try await sealed.house.runOnce(asking: .release(partner: Specimen.acme)).isComplete)
        #expect(try sealed.opened("seeds.csv") == "contents" && sealed.acme.seen.count == 1)
    }

    @Test("is quarantined when its sealed file is gone and an earlier attempt may have delivered it")
    func lostAfter() async throws {
        let sealed = try SealedHouse(.breakOff(.hold, code: "AccessDenied"))
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        try sealed.loseSpool()
        let ending = try await sealed.house.runOnce(asking: .release(partner: Specimen.acme))
        #expect(ending.quarantined == 1 && sealed.acme.bodies.isEmpty && sealed.acme.abandoned.count == 1)
        let story = try #require(try await sealed.house.stories(of: "seeds.csv").first { $0.summary.partner == Specimen.acme })
        #expect(story.summary.failure?.code == "seal-lost")
        #expect(try await sealed.house.runOnce(asking: .retry(delivery: story.summary.id.description)).isComplete)
        #expect(try sealed.opened("seeds.csv") == "contents")
    }

    @Test("is sealed again when somebody wrote to its sealed file while it was sent")
    func changedSpool() async throws {
        let sealed = try SealedHouse(.rewriteSource("something else"))
        try sealed.house.drop("seeds.csv", "contents")
        #expect(try await sealed.house.runOnce().isComplete)
        #expect(sealed.acme.calls.count == 2 && sealed.globex.calls.count == 1)
        #expect(try sealed.opened("seeds.csv") == "contents" && sealed.spool() == [])
    }

    @Test("begins anew when the partner's files were not sealed before: what was begun unsealed is abandoned")
    func sealedLater() async throws {
        let sealed = try SealedHouse(.breakOff(.hold, code: "AccessDenied"))
        sealed.house.seals.withLock { $0 = [:] }
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        sealed.house.seals.withLock { [seal = sealed.seal] in $0 = [Specimen.acme: seal] }
        #expect(try await sealed.house.runOnce(asking: .release(partner: Specimen.acme)).isComplete)
        #expect(sealed.acme.abandoned.count == 1 && sealed.acme.calls.last?.checkpoint == nil)
        #expect(try sealed.opened("seeds.csv") == "contents")
    }

    @Test("stays sealed when it was sealed before the partner's files were sealed no more")
    func unsealedLater() async throws {
        let sealed = try SealedHouse(.breakOff(.hold, code: "AccessDenied"))
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        sealed.house.seals.withLock { $0 = [:] }
        #expect(try await sealed.house.runOnce(asking: .release(partner: Specimen.acme)).isComplete)
        #expect(try sealed.opened("seeds.csv") == "contents" && sealed.spool() == [])
    }

    @Test(
        "waits with the reason when there is no room for the sealed file, and goes on when there is",
        .enabled(if: TemporaryFolder.mayMount))
    func fullSpool() async throws {
        let sealed = try SealedHouse()
        try sealed.house.folder.makeFolder("state/sealed")
        try sealed.house.folder.handle().openFolder(Array("state".utf8)).setMode(0o700)
        try sealed.house.folder.mountSmall(on: "state/sealed", size: "1m")
        try sealed.house.drop("seeds.csv", String(repeating: "contents", count: 300_000))
        let agent = try await sealed.house.open()
        async let ended = agent.run(.service)
        var failure: RecordedFailure?
        for _ in 0..<1_000 where failure == nil || sealed.globex.objects.isEmpty {
            try await sealed.house.clock.sleep(for: .seconds(1))
            let stories = try await sealed.house.stories(of: "seeds.csv")
            failure = stories.first { $0.summary.partner == Specimen.acme }?.summary.failure
        }
        agent.stop()
        #expect(await ended.onTheWay == 1 && sealed.acme.calls == [] && sealed.globex.objects.count == 1)
        #expect(failure?.code == "seal-spool-full" && failure?.hint?.contains("state/sealed") == true)
        sealed.house.folder.unmount("state/sealed")
        #expect(try await sealed.house.runOnce().isComplete)
        #expect(try sealed.opened("seeds.csv").hasPrefix("contentscontents"))
    }

    @Test("leaves nothing in the spool: what no delivery needs is removed at the next start")
    func sweeps() async throws {
        let sealed = try SealedHouse()
        try sealed.house.drop("seeds.csv", "contents")
        _ = try await sealed.house.runOnce()
        let done = try #require(try await sealed.house.stories(of: "seeds.csv").first)
        for id in [DeliveryID.random(), done.summary.id] { try sealed.house.folder.write("torn", to: "state/sealed/\(id).cms") }
        try sealed.house.folder.write("not ours", to: "state/sealed/README")
        _ = try await sealed.house.runOnce()
        #expect(try sealed.spool() == ["README"])
    }
}
