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
        seal: SealRecord?,
        attempt: Int,
        at time: Timestamp
    ) -> EntryWriter {
        writer(
            of: Subject(delivery, digests: digests), sealed: seal, outcome: outcome, receipt: receipt, attempts: attempt, at: time)
    }

    func quarantined(_ delivery: PendingDelivery, failure: DeliveryFailure, attempt: Int, at time: Timestamp) -> EntryWriter {
        writer(
            of: Subject(delivery, digests: delivery.file.digests),
            outcome: .quarantined,
            failure: failure,
            attempts: attempt,
            at: time
        )
    }

    /// The line of a delivery that ended before it began: there was no key for it.
    func neverDelivered(_ delivery: NeverDelivered, failure: DeliveryFailure, at time: Timestamp) -> EntryWriter {
        writer(of: Subject(delivery), outcome: .quarantined, failure: failure, attempts: 0, at: time)
    }

    /// What a line says of the delivery itself, however it ended.
    private struct Subject: Sendable {
        let id: DeliveryID
        let retries: DeliveryID?
        let partner: PartnerName
        let route: RouteName
        let key: DeliveryKey
        let file: ManifestEntry.File

        init(_ delivery: PendingDelivery, digests: FileDigests?) {
            id = delivery.id
            retries = delivery.retries
            partner = delivery.partner
            route = delivery.route
            key = delivery.key
            file = Self.file(delivery.file.folder, delivery.file.path, delivery.file.identity, digests)
        }

        init(_ delivery: NeverDelivered) {
            id = delivery.id
            retries = nil
            partner = delivery.partner
            route = delivery.route
            key = delivery.key
            file = Self.file(delivery.folder, delivery.path, delivery.identity, nil)
        }

        private static func file(
            _ folder: String,
            _ path: DropPath,
            _ identity: FileIdentity,
            _ digests: FileDigests?
        ) -> ManifestEntry.File {
            ManifestEntry.File(
                folder: folder,
                path: path,
                size: identity.size,
                sha256: digests?.sha256,
                crc64nvme: digests?.crc64nvme,
                modified: Timestamp(nanoseconds: identity.modified)
            )
        }
    }

    private func writer(
        of subject: Subject,
        sealed: SealRecord? = nil,
        outcome: ManifestEntry.Outcome,
        receipt: Receipt? = nil,
        failure: DeliveryFailure? = nil,
        attempts: Int,
        at time: Timestamp
    ) -> EntryWriter {
        { position in
            let entry = ManifestEntry(
                sequence: position.sequence,
                previous: position.previous,
                time: time,
                agent: agent,
                delivery: subject.id,
                retries: subject.retries,
                outcome: outcome,
                file: subject.file,
                sealed: sealed,
                route: subject.route,
                partner: subject.partner,
                destination: adapter,
                location: receipt?.location,
                key: receipt?.key ?? subject.key.description,
                confirmation: receipt?.confirmation,
                reason: failure.map { ManifestEntry.Reason(code: $0.code, text: $0.description) },
                attempts: attempts,
                stages: receipt?.stages ?? []
            )
            let bytes = entry.line()
            return ManifestLine(sequence: entry.sequence, bytes: bytes, digest: ManifestEntry.digest(of: bytes))
        }
    }
}
