import PouchJournal
import PouchKit

/// Values for tests.
enum Sample {
    static let acme = PartnerName(unchecked: "acme")
    static let globex = PartnerName(unchecked: "globex")
    static let nightly = RouteName(unchecked: "nightly")

    static func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

    static func identity(_ number: UInt64 = 1, size: Int64 = 100) -> FileIdentity {
        FileIdentity(device: 1 << 63, inode: number, birth: 3, size: size, modified: -4)
    }

    static func delivery(_ id: DeliveryID, to partner: PartnerName = acme, start: AdmittedDelivery.Start = .waiting) throws
        -> AdmittedDelivery
    {
        AdmittedDelivery(
            id: id,
            partner: partner,
            route: nightly,
            key: try DeliveryKey("eu/seeds.csv"),
            target: TargetFingerprint("s3://inbox of \(partner)"),
            start: start
        )
    }

    static func admission(
        _ path: String,
        folder: String = "/srv/drop",
        claim: String = DeliveryID.random().description,
        inPlace: Bool = false,
        identity: FileIdentity = identity(),
        _ deliveries: [AdmittedDelivery]
    ) throws -> Admission {
        Admission(
            folder: folder,
            path: try DropPath(path),
            identity: identity,
            claim: ClaimRecord(id: claim, root: "/var/lib/pouch/claims", inPlace: inPlace),
            afterwards: #"{"delete":true}"#,
            at: time(1),
            deliveries: deliveries
        )
    }

    static func admission(_ deliveries: [AdmittedDelivery]) throws -> Admission {
        try admission("reports/seeds.csv", deliveries)
    }

    static let receipt = Receipt(
        location: "s3://acme-inbox/eu/seeds.csv",
        key: "eu/seeds.csv",
        confirmation: .byAnswer,
        stages: [StageRecord(stage: .store, identity: nil, facts: ["version": "v1"], requests: 1, milliseconds: 7)]
    )

    static func checkpoint(_ payload: String = "{}", target: String = "s3://inbox of acme") -> Checkpoint {
        Checkpoint(stage: .store, version: 1, target: TargetFingerprint(target), payload: Array(payload.utf8))
    }

    static func failure(_ remedy: DeliveryFailure.Remedy = .retry, code: String = "SlowDown") -> DeliveryFailure {
        DeliveryFailure(remedy, code: code, attempt: "store seeds.csv", cause: "\(code) (503)", hint: "wait")
    }

    static let digests = FileDigests(sha256: digest(of: Array("seeds".utf8)), crc64nvme: CRC64NVME(.max))

    /// A line whose bytes say where it stands, chained like a real one.
    static let entry: EntryWriter = { position in
        let bytes = Array("\(position.sequence) after \(position.previous)".utf8)
        return ManifestLine(sequence: position.sequence, bytes: bytes, digest: digest(of: bytes))
    }

    /// Good enough to tell lines apart: FNV-1a, spread over 32 bytes.
    static func digest(of bytes: [UInt8]) -> SHA256Digest {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let words = (0..<4).map { Hexadecimal.bigEndianBytes(of: state &* (2 &* $0 &+ 1)) }
        return SHA256Digest(bytes: words.flatMap(\.self)).unsafelyUnwrapped
    }
}

extension Journal {
    /// Admits one file with one delivery that waits.
    func admitOne(_ path: String = "reports/seeds.csv", to partner: PartnerName = Sample.acme) async throws -> (
        file: Int64, delivery: DeliveryID
    ) {
        let id = DeliveryID.random()
        let outcome = try await admit(Sample.admission(path, [Sample.delivery(id, to: partner)])).value()
        guard case .admitted(let file) = outcome else { throw NameError(text: "\(outcome)", expectation: "admitted") }
        return (file, id)
    }

    @discardableResult
    func complete(_ delivery: DeliveryID, at seconds: Int64 = 9) -> Ticket<FileProgress> {
        complete(delivery, receipt: Sample.receipt, at: Sample.time(seconds), entry: Sample.entry)
    }

    @discardableResult
    func quarantine(_ delivery: DeliveryID, code: String = "EntityTooLarge") -> Ticket<FileProgress> {
        fail(
            delivery, failure: Sample.failure(.quarantine, code: code), at: Sample.time(8), next: .quarantined(entry: Sample.entry))
    }
}
