package import PouchAWS
package import PouchKit
import Synchronization

/// The receipts that publishers leave in our repository, read by an identity that may.
package struct RepositoryReceipts: ReceiptShelf {
    private let repository: InboxPlan.Repository
    private let party: S3SecureInbox.Party
    private let s3: S3
    /// Since something else was answered than a refusal without a reason.
    private let refusals = Tally()

    private final class Tally: Sendable {
        private let count = Mutex(0)

        func withLock<Result: Sendable>(_ body: (inout Int) -> Result) -> Result { count.withLock { body(&$0) } }
    }

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
            switch Self.absence(error) {
            case .missing:
                refusals.withLock { $0 = 0 }
                return nil
            case .untold:
                guard isSuspicious() else { return nil }
            case .forbidden, nil: break
            }
            let call = AttemptedCall(
                attempt: attempt, side: .repository, identity: party.label, bucket: repository.place, key: key)
            throw Diagnosis.failure(error, of: call)
        }
        refusals.withLock { $0 = 0 }
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

    /// What a failed question says about a receipt.
    enum Absence { case missing, forbidden, untold }

    /// Who may not list the bucket gets 403 for what is not there. A service that says which right is missing names `s3:ListBucket`
    /// then, and `s3:GetObject` where the receipt itself may not be read.
    ///
    /// - Returns: `nil` for a failure that says nothing about it.
    static func absence(_ reason: AWSFailure) -> Absence? {
        if reason.status == 404, reason.code != "NoSuchBucket" { return .missing }
        guard reason.status == 403, reason.code == "AccessDenied" else { return nil }
        guard let refused = RefusedAction(reason.message) else { return .untold }
        return refused.action == "s3:ListBucket" ? .missing : .forbidden
    }

    /// Where nothing was ever read and every answer is a refusal without a reason, that is word once in so many of them.
    private func isSuspicious() -> Bool {
        refusals.withLock { count in
            count += 1
            return count.isMultiple(of: Self.remarkable)
        }
    }

    private static let remarkable = 64

    private func unbelievable(_ attempt: String, _ cause: String) -> DeliveryFailure {
        DeliveryFailure(
            .hold, code: "bad-receipt", attempt: attempt, cause: cause, hint: "who else writes below .pouch-receipts/?")
    }
}
