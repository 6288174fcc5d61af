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
            record.add(.note, "attestation", "this host holds no identity that could open what it stores")
            return record.findings
        }
        let probe = PublishProbe(check: self, target: target, publisher: publisher, s3: s3, remedies: remedies)
        if let published = await probe.publish(stored, &record), await joinSegments(probe, remedies, &record) {
            await probe.readBack(published, stored, &record)
            await probe.refuse(published, stored, &record)
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
