import PouchJournal
import PouchKit
import PouchManifest

/// A line of a manifest that nobody looks at closely.
struct ManifestSpecimen: Sendable {
    let delivery: DeliveryID
    let path: DropPath

    func line(at position: ManifestPosition) -> ManifestLine {
        let entry = ManifestEntry(
            sequence: position.sequence,
            previous: position.previous,
            time: Specimen.time,
            agent: "edge-test",
            delivery: delivery,
            retries: nil,
            outcome: .delivered,
            file: ManifestEntry.File(
                folder: "/drop", path: path, size: 1, sha256: SHA256Digest(bytes: [UInt8](repeating: 1, count: 32)), crc64nvme: nil,
                modified: Specimen.time),
            route: Specimen.route,
            partner: Specimen.acme,
            destination: AdapterName(unchecked: "memory"),
            location: "memory://a.csv",
            key: "a.csv",
            confirmation: .byAnswer,
            reason: nil,
            attempts: 1,
            stages: []
        )
        return ManifestLine(sequence: position.sequence, bytes: entry.line(), digest: ManifestEntry.digest(of: entry.line()))
    }
}
