import PouchAWS
import PouchKit
import PouchPartnerKit

/// Where the buckets are, and what the keys are.
extension InboxCheck {
    func locateBuckets(_ record: inout CheckRecord) async {
        await locate(plan.repository.place, by: inbox.generator, inbox.generatorS3, side: .repository, &record)
        if let publisher = inbox.publisher, let s3 = inbox.publisherS3, let target = plan.inbox {
            await locate(target.place, by: publisher, s3, side: .inbox, &record)
        }
    }

    private func locate(
        _ place: BucketPlace,
        by party: S3SecureInbox.Party,
        _ s3: S3,
        side: AttemptedCall.Side,
        _ record: inout CheckRecord
    ) async {
        do throws(AWSFailure) {
            let region = try await s3.headBucket(place).description
            guard !disagrees(place, region, &record) else { return }
            record.add(.good, "bucket", "\(place.name) is in \(region), of the expected account")
        } catch {
            if let region = error.region, disagrees(place, region, &record) { return }
            if error.status == 403 {
                return record.add(
                    .note, "bucket", "\(party.name) may not look at the bucket \(place.name) itself, which is not needed")
            }
            let call = AttemptedCall(
                attempt: "look at the bucket \(place.name)", side: side, identity: party.label, bucket: place, key: "")
            record.add(Diagnosis.failure(error, of: call), "bucket")
        }
    }

    private func disagrees(_ place: BucketPlace, _ region: String, _ record: inout CheckRecord) -> Bool {
        guard region != place.region.description, place.endpoint == nil else { return false }
        let visible = VisibleText.escaped(region)
        record.add(
            .failure, "bucket", "\(place.name) is in \(visible), and the settings say \(place.region)",
            hint: "set region: \(visible), and name a key of that region")
        return true
    }

    func describeKeys(_ remedies: Remedies, _ record: inout CheckRecord) async {
        await describe(plan.repository.key, by: inbox.generator, .generator, remedies, &record)
        if let publisher = inbox.publisher, let target = plan.inbox {
            await describe(target.key, by: publisher, .publisher, remedies, &record)
        }
    }

    private func describe(
        _ key: KeyARN,
        by party: S3SecureInbox.Party,
        _ role: Remedies.Role,
        _ remedies: Remedies,
        _ record: inout CheckRecord
    ) async {
        let kms = KMS(credentials: party.credentials, endpoint: inbox.services.kms, link: inbox.link)
        do throws(AWSFailure) {
            let report = try await kms.describeKey(key)
            guard report.isUsableByS3 else {
                return record.add(
                    .failure, "key", "\(key) is \(report.state), for \(report.usage), \(report.kind)",
                    hint: Self.keyHint(report))
            }
            record.add(.good, "key", "\(party.name) sees that \(key) is enabled and of the right kind")
        } catch {
            if Self.isAboutTheKey(error) {
                let place = role == .generator ? plan.repository.place : plan.inbox?.place ?? plan.repository.place
                let call = AttemptedCall(
                    attempt: "describe \(key)", side: role == .generator ? .repository : .inbox, identity: party.label,
                    bucket: place,
                    key: "", keyARN: key)
                return record.add(Diagnosis.failure(error, of: call), "key")
            }
            let refused = RefusedAction(error.message)
            record.add(
                .note, "key", "\(party.name) may not describe \(key): \(error.code); whether it is enabled shows when it is used",
                hint: "kms:DescribeKey would let doctor see it",
                fixes: refused.map { remedies.fixes(for: $0, as: role) } ?? [])
        }
    }

    /// Anything else leaves open whether S3 can use it: a refusal, or a service that has no KMS.
    private static func isAboutTheKey(_ reason: AWSFailure) -> Bool {
        if case .unanswered = reason.origin { return true }
        return ["NotFoundException", "InvalidArnException"].contains(reason.code)
    }

    private static func keyHint(_ report: KMS.KeyReport) -> String {
        switch report.state {
        case "Enabled": "S3 needs a symmetric key for ENCRYPT_DECRYPT: its owner must give another one"
        case "Disabled": "its owner must enable it"
        case "PendingDeletion": "its owner must cancel the deletion and enable it, before it is too late"
        default: "S3 needs an enabled symmetric key for ENCRYPT_DECRYPT: its owner must see to it"
        }
    }
}
