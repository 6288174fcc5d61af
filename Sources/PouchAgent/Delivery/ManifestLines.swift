import PouchJournal
import PouchKit
import PouchManifest

/// Makes the manifest's line of a finished delivery, once the journal knows its place in the chain.
struct ManifestLines: Sendable {
    let agent: String
    let adapter: AdapterName

    func finished(
        _ delivery: PendingDelivery,
        outcome: ManifestEntry.Outcome,
        receipt: Receipt,
        digests: FileDigests,
        attempt: Int,
        at time: Timestamp
    ) -> @Sendable (ManifestPosition) -> ManifestLine {
        { position in
            line(
                ManifestEntry(
                    sequence: position.sequence,
                    previous: position.previous,
                    time: time,
                    agent: agent,
                    delivery: delivery.id,
                    retries: delivery.retries,
                    outcome: outcome,
                    file: file(of: delivery, digests: digests),
                    route: delivery.route,
                    partner: delivery.partner,
                    destination: adapter,
                    location: receipt.location,
                    key: receipt.key,
                    confirmation: receipt.confirmation,
                    reason: nil,
                    attempts: attempt,
                    stages: receipt.stages
                )
            )
        }
    }

    func quarantined(
        _ delivery: PendingDelivery,
        failure: DeliveryFailure,
        attempt: Int,
        at time: Timestamp
    ) -> @Sendable (ManifestPosition) -> ManifestLine {
        { position in
            line(
                ManifestEntry(
                    sequence: position.sequence,
                    previous: position.previous,
                    time: time,
                    agent: agent,
                    delivery: delivery.id,
                    retries: delivery.retries,
                    outcome: .quarantined,
                    file: file(of: delivery, digests: delivery.file.digests),
                    route: delivery.route,
                    partner: delivery.partner,
                    destination: adapter,
                    location: nil,
                    key: delivery.key.description,
                    confirmation: nil,
                    reason: ManifestEntry.Reason(code: failure.code, text: failure.description),
                    attempts: attempt,
                    stages: []
                )
            )
        }
    }

    /// The line of a delivery that ended before it began: there was no key for it.
    func neverDelivered(
        _ delivery: NeverDelivered,
        failure: DeliveryFailure,
        at time: Timestamp
    ) -> @Sendable (ManifestPosition) -> ManifestLine {
        { position in
            line(
                ManifestEntry(
                    sequence: position.sequence,
                    previous: position.previous,
                    time: time,
                    agent: agent,
                    delivery: delivery.id,
                    retries: nil,
                    outcome: .quarantined,
                    file: ManifestEntry.File(
                        folder: delivery.folder,
                        path: delivery.path,
                        size: delivery.identity.size,
                        sha256: nil,
                        crc64nvme: nil,
                        modified: Timestamp(nanoseconds: delivery.identity.modified)
                    ),
                    route: delivery.route,
                    partner: delivery.partner,
                    destination: adapter,
                    location: nil,
                    key: delivery.key.description,
                    confirmation: nil,
                    reason: ManifestEntry.Reason(code: failure.code, text: failure.description),
                    attempts: 0,
                    stages: []
                )
            )
        }
    }

    private func file(of delivery: PendingDelivery, digests: FileDigests?) -> ManifestEntry.File {
        ManifestEntry.File(
            folder: delivery.file.folder,
            path: delivery.file.path,
            size: delivery.file.identity.size,
            sha256: digests?.sha256,
            crc64nvme: digests?.crc64nvme,
            modified: Timestamp(nanoseconds: delivery.file.identity.modified)
        )
    }

    private func line(_ entry: ManifestEntry) -> ManifestLine {
        let bytes = entry.line()
        return ManifestLine(sequence: entry.sequence, bytes: bytes, digest: ManifestEntry.digest(of: bytes))
    }
}
