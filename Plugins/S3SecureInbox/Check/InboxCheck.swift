import PouchAWS
import PouchCrypto
package import PouchKit
import PouchPartnerKit

extension S3SecureInbox {
    package func check() async -> [Finding] { await InboxCheck(inbox: self).findings() }
}

/// Walks the way of a delivery with an empty object, as far as it goes, and then tries what must be refused.
///
/// The first step that fails ends the walk: what comes after it would fail for its sake.
struct InboxCheck: Sendable {
    /// Below the prefix of each side. Nothing else is left behind but what a bucket took that should have refused it.
    static let probeFolder = ".pouch-probe/"

    let inbox: S3SecureInbox

    var plan: InboxPlan { inbox.plan }
    var probeKey: String { plan.repository.prefix + Self.probeFolder + "check" }

    func findings() async -> [Finding] {
        var record = CheckRecord()
        let sealer = await identify(inbox.generator, in: plan.repository.place, &record)
        var copier: String?
        if let publisher = inbox.publisher, let target = plan.inbox {
            copier = await identify(publisher, in: target.place, &record)
        }
        guard !record.hasFailed else { return record.ended(before: "buckets, keys, probes and refusals") }
        let remedies = Remedies(plan: plan, generator: sealer, publisher: copier ?? sealer)
        await locateBuckets(&record)
        guard !record.hasFailed else { return record.ended(before: "keys, probes and refusals") }
        await describeKeys(remedies, &record)
        guard !record.hasFailed else { return record.ended(before: "probes and refusals") }
        guard let stored = await storeProbe(remedies, &record), await sendParts(remedies, &record) else {
            return record.ended(before: "the copy and the refusals")
        }
        guard let publisher = inbox.publisher, let s3 = inbox.publisherS3, let target = plan.inbox else {
            record.add(.note, "publish", "another publisher finishes: what it may do is checked where it runs", proof: .unproven)
            await refuseGenerator(stored, remedies, &record)
            if let reader = inbox.receiptReader { await tryReceipts(reader, remedies, &record) }
            await attestAlone(stored, &record)
            return record.findings
        }
        let probe = PublishProbe(check: self, target: target, publisher: publisher, s3: s3, remedies: remedies)
        if let published = await probe.publish(stored, &record), await joinSegments(probe, remedies, &record) {
            await probe.readBack(published, &record)
            await probe.refuse(published.key, stored, &record)
        }
        await refuseGenerator(stored, remedies, &record)
        await refusePublisher(publisher, s3, &record)
        attest(publisher, target, &record)
        return record.findings
    }

    /// What follows from who is at home here.
    private func attest(_ publisher: S3SecureInbox.Party, _ target: InboxPlan.Inbox, _ record: inout CheckRecord) {
        let repository = "s3://\(plan.repository.place.name)/\(plan.repository.prefix)"
        guard publisher.name != inbox.generator.name else {
            record.add(
                .warning, "attestation",
                "one identity, \(publisher.name), both stores and publishes: it can open whatever lies below \(repository)",
                hint: "give each stage its own role: one that seals and cannot open, one that copies", proof: .excessive)
            return
        }
        record.add(
            .note, "attestation",
            "this host holds both identities: as \(inbox.generator.name) it cannot open what it stores, as \(publisher.name) it could, "
                + "for as long as it lies below \(repository)",
            hint: "publish: elsewhere is how a host that must not is set up")
    }

    /// Where another host publishes: whether anybody at home here could open what is stored, whichever partner they are for.
    private func attestAlone(_ stored: Stored, _ record: inout CheckRecord) async {
        let generator = inbox.generator.name
        var others: [String: S3SecureInbox.Party] = [:]
        for party in inbox.neighbours + [inbox.receiptReader].compactMap({ $0 }) where party.name != generator {
            others[party.name.description] = party
        }
        var names: [String] = []
        for (name, party) in others.sorted(by: { $0.key < $1.key }) {
            names.append(name)
            let reading = await Reading(
                of: stored.key, stored.versionID, in: plan.repository.place,
                as: S3(credentials: party.credentials, link: inbox.link), wantsChecksum: true)
            record.add(
                reading, refused: "\(name) cannot open what \(generator) stores",
                excessive: "\(name), which this host holds too, can open what \(generator) stores",
                hint: "publish: elsewhere keeps the two apart only where agent.yaml of this host has no identity that publishes")
        }
        let isOpen = record.findings.contains { $0.step == "refusals" && $0.proof != .refused }
        guard !isOpen else {
            return record.add(
                .warning, "attestation",
                "that this host holds no identity that could open what it stores is not shown: see refusals",
                proof: .unproven)
        }
        record.add(
            .note, "attestation",
            "this host holds no identity that could open what it stores: \(([generator.description] + names).joined(separator: ", ")) "
                + "\(names.isEmpty ? "was" : "were") tried")
    }

    /// Asks for a receipt that is not there: the refusal of what is missing names another right than that of what may not be read.
    private func tryReceipts(_ reader: S3SecureInbox.Party, _ remedies: Remedies, _ record: inout CheckRecord) async {
        let repository = plan.repository
        let key = DeliveryReceiptObject.key(of: .random(), below: repository.prefix)
        do throws(AWSFailure) {
            _ = try await S3(credentials: reader.credentials, link: inbox.link).getSmallObject(in: repository.place, key: key)
        } catch {
            switch RepositoryReceipts.absence(error) {
            case .missing: record.add(.good, "receipts", "\(reader.name) may read receipts", proof: .permitted)
            case .untold:
                record.add(
                    .note, "receipts", "whether \(reader.name) may read receipts is not known: who may not list is told no more",
                    proof: .unproven)
            case .forbidden:
                record.add(
                    .failure, "receipts", "\(reader.name) may not read receipts: \(error)",
                    hint:
                        "allow it s3:GetObject below \(DeliveryReceiptObject.folder(below: repository.prefix)), and except that from NeverRead",
                    fixes: reader.name == repository.identity ? remedies.readingReceipts : [])
            case nil:
                record.add(.note, "receipts", "whether \(reader.name) may read receipts is not known: \(error)", proof: .unproven)
            }
        }
    }

    /// What an empty object is stored with.
    static let nothing = PartDigests(crc64nvme: CRC64NVME(0))
    static let mark = [(name: "pouch-probe", value: "doctor")]
}

/// What was found so far.
struct CheckRecord {
    private(set) var findings: [Finding] = []

    var hasFailed: Bool { findings.contains { $0.severity == .failure } }

    mutating func add(
        _ severity: Finding.Severity,
        _ step: String,
        _ text: String,
        hint: String? = nil,
        proof: Finding.Proof? = nil,
        fixes: [Finding.Fix] = []
    ) {
        findings.append(Finding(severity, text, hint: hint, step: step, proof: proof, fixes: fixes))
    }

    mutating func add(_ failure: DeliveryFailure, _ step: String, fixes: [Finding.Fix] = []) {
        add(.failure, step, "could not \(failure.attempt): \(failure.cause)", hint: failure.hint, fixes: fixes)
    }

    /// What was not tried is said: silence would read as success.
    func ended(before rest: String) -> [Finding] {
        let first = findings.first { $0.severity == .failure }?.step ?? "this"
        return findings + [Finding(.note, "not tried, since \(first) failed: \(rest)", step: "end", proof: .unproven)]
    }
}
