package import PouchAWS
package import PouchKit

/// The receipts that publishers leave in our repository, read by an identity that may.
package struct RepositoryReceipts: ReceiptShelf {
    private let repository: InboxPlan.Repository
    private let party: S3SecureInbox.Party
    private let s3: S3

    package init(plan: InboxPlan, reader: S3SecureInbox.Party, link: AWSLink) {
        repository = plan.repository
        party = reader
        s3 = S3(credentials: reader.credentials, link: link)
    }

    package func receipt(of delivery: DeliveryID, digests: FileDigests) async throws(DeliveryFailure) -> Receipt? {
        let key = DeliveryReceiptObject.key(of: delivery, below: repository.prefix)
        let attempt = "take in the receipt of delivery \(delivery)"
        let object: SmallObject
        do throws(AWSFailure) {
            object = try await s3.getSmallObject(in: repository.place, key: key)
        } catch {
            // Who may not list the bucket gets 403 for what is not there.
            if error.status == 404 || error.status == 403 { return nil }
            let call = AttemptedCall(
                attempt: attempt, side: .repository, identity: party.label, bucket: repository.place, key: key)
            throw Diagnosis.failure(error, of: call)
        }
        guard let receipt = DeliveryReceiptObject(bytes: object.bytes), receipt.delivery == delivery else {
            throw unbelievable(attempt, "s3://\(repository.place.name)/\(key) is no receipt of it")
        }
        guard receipt.file.sha256 == digests.sha256, receipt.file.crc64nvme == digests.crc64nvme else {
            throw unbelievable(
                attempt, "it speaks of a file with the SHA-256 \(receipt.file.sha256), and ours has \(digests.sha256)")
        }
        return Receipt(
            location: receipt.location, key: receipt.key, confirmation: receipt.confirmation, stages: [receipt.stage])
    }

    private func unbelievable(_ attempt: String, _ cause: String) -> DeliveryFailure {
        DeliveryFailure(
            .hold, code: "bad-receipt", attempt: attempt, cause: cause, hint: "who else writes below .pouch-receipts/?")
    }
}
