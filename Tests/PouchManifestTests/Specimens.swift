import PouchKit
import PouchManifest
import PouchTestSupport

/// Entries and whole manifests to look at.
enum Specimens {
    static let time = Timestamp(nanoseconds: 1_795_442_709_123_456_789)

    static func entry(
        _ sequence: Int64 = 1,
        after previous: SHA256Digest = ManifestEntry.origin,
        path: [UInt8] = Array("reports/eu-1.csv".utf8),
        outcome: ManifestEntry.Outcome = .delivered,
        facts: [String: String] = ["bucket": "acme-inbox", "key": "from-orga/eu-1.csv"],
        reason: ManifestEntry.Reason? = nil,
        modified: Timestamp = time,
        sealed: SealRecord? = nil
    ) throws -> ManifestEntry {
        let number = UInt64(bitPattern: sequence)
        return ManifestEntry(
            sequence: sequence, previous: previous, time: time, agent: "edge-01", delivery: DeliveryID(high: number, low: 7),
            retries: sequence.isMultiple(of: 3) ? DeliveryID(high: 1, low: number) : nil, outcome: outcome,
            file: ManifestEntry.File(
                folder: "./drop", path: try DropPath(bytes: path), size: 12,
                sha256: outcome == .quarantined ? nil : SHA256Digest(bytes: [UInt8](repeating: 0xAB, count: 32)),
                crc64nvme: outcome == .quarantined ? nil : CRC64NVME(0xAE8B_1486_0A79_9888), modified: modified),
            sealed: sealed, route: try RouteName("reports"), partner: try PartnerName("acme"),
            destination: try AdapterName("s3-secure-inbox"),
            location: outcome == .quarantined ? nil : "s3://acme-inbox/from-orga/eu-1.csv", key: "from-orga/eu-1.csv",
            confirmation: outcome == .quarantined ? nil : .byAnswer, reason: reason, attempts: 2,
            stages: outcome == .quarantined
                ? []
                : [
                    StageRecord(
                        stage: .publish, identity: try IdentityName("publisher"), facts: facts, requests: 1, milliseconds: 42)
                ])
    }

    static let seal = SealRecord(
        size: 612,
        digests: FileDigests(
            sha256: SHA256Digest(bytes: [UInt8](repeating: 0xCD, count: 32)).unsafelyUnwrapped, crc64nvme: CRC64NVME(1)),
        recipients: [1, 2].map { SHA256Digest(bytes: [UInt8](repeating: $0, count: 32)).unsafelyUnwrapped })

    /// The lines of a good manifest, sealed deliveries among them.
    static func lines(_ count: Int, from first: Int64 = 1, after previous: SHA256Digest = ManifestEntry.origin) throws
        -> [ManifestFile.Line]
    {
        var previous = previous
        return try (0..<Int64(count)).map { offset in
            let bytes = try entry(
                first + offset, after: previous, outcome: offset % 5 == 4 ? .quarantined : .delivered,
                sealed: offset % 5 == 1 ? seal : nil
            ).line()
            previous = ManifestEntry.digest(of: bytes)
            return ManifestFile.Line(sequence: first + offset, bytes: bytes)
        }
    }

    static func bytes(_ lines: [ManifestFile.Line]) -> [UInt8] { lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] } }

    static func head(_ lines: [ManifestFile.Line], unwritten: Int64 = 0, isMoving: Bool = false) -> ManifestVerification.Head {
        ManifestVerification.Head(
            lastSequence: lines.last?.sequence ?? 0,
            digest: lines.last.map { ManifestEntry.digest(of: $0.bytes) } ?? ManifestEntry.origin,
            unwritten: unwritten, isMoving: isMoving)
    }
}
