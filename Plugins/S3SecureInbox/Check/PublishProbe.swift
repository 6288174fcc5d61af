import PouchAWS
import PouchKit
import PouchPartnerKit

/// Copies the empty object into the inbox as a delivery would, and looks at what lies there.
struct PublishProbe: Sendable {
    let check: InboxCheck
    let target: InboxPlan.Inbox
    let publisher: S3SecureInbox.Party
    let s3: S3
    let remedies: Remedies

    private var attempt: String { "copy an empty object into s3://\(target.place.name)/\(target.prefix)" }

    /// - Returns: the key in the inbox, and the version.
    func publish(
        _ stored: InboxCheck.Stored, _ record: inout CheckRecord
    ) async -> (key: String, versionID: String?)? {
        // A name of its own each time: a key that is taken might be answered before the permissions were looked at.
        let name = "\(check.inbox.link.clock.now)-\(DeliveryID.random().description.prefix(8))".replacing(":", with: "-")
        let key = target.prefix + InboxCheck.probeFolder + name
        let request = copy(of: stored, to: key)
        do throws(AWSFailure) {
            let answer = try await s3.copyObject(request)
            do throws(DeliveryFailure) {
                try Verification(attempt: attempt, place: "inbox").check(answer.encryption, key: target.key)
            } catch {
                record.add(error, "publish")
                record.add(.note, "publish", "it left an empty object at s3://\(target.place.name)/\(key)")
                return nil
            }
            record.add(
                .good, "publish",
                "\(publisher.name) copies into the inbox under \(target.key): it left an empty object at s3://\(target.place.name)/\(key)",
                hint: "whoever takes files from there should pass by what lies below \(target.prefix)\(InboxCheck.probeFolder)",
                proof: .permitted)
            return (key, answer.versionID)
        } catch {
            await explain(error, request, &record)
            return nil
        }
    }

    func copy(of stored: InboxCheck.Stored, to key: String) -> CopyObject {
        var attributes = ObjectAttributes(key: target.key, metadata: InboxCheck.mark)
        attributes.contentType = "application/octet-stream"
        attributes.storageClass = target.storageClass
        attributes.acl = target.acl
        attributes.isCreateOnly = true
        let repository = check.plan.repository.place
        return CopyObject(
            source: CopySource(
                bucket: repository.name, owner: repository.owner, key: stored.key, versionID: stored.versionID, etag: stored.etag),
            bucket: target.place, key: key, attributes: attributes)
    }

    // MARK: Why not

    private func explain(_ reason: AWSFailure, _ request: CopyObject, _ record: inout CheckRecord) async {
        let call = AttemptedCall(
            attempt: attempt, side: .inbox, identity: publisher.label, bucket: target.place, key: request.key, keyARN: target.key,
            source: request.source, sourceKeyARN: check.plan.repository.key, acl: target.acl)
        let failure = Diagnosis.failure(reason, of: call)
        if let refused = RefusedAction(reason.message) {
            return record.add(failure, "publish", fixes: remedies.fixes(for: refused, as: .publisher))
        }
        guard reason.status == 403 else { return record.add(failure, "publish") }
        let elimination = Elimination(probe: self, request: request)
        guard let cause = await elimination.cause() else {
            return record.add(
                .failure, "publish", "could not \(attempt): \(reason)",
                hint:
                    "no header that was left out changed it, so that it is the permission itself: first the partner's bucket policy, "
                    + "then your own role's policy; after those an organisation's or an endpoint's policy",
                fixes: remedies.delivering)
        }
        record.add(
            .failure, "publish", "could not \(attempt): \(reason); \(cause.text) (\(elimination.trace))", hint: cause.hint,
            fixes: cause.fixes)
    }

    // MARK: Reading

    /// To ask is useful, to read is not for the publisher.
    func readBack(_ published: (key: String, versionID: String?), _ record: inout CheckRecord) async {
        switch await Reading(of: published.key, published.versionID, in: target.place, as: s3) {
        case .possible: break
        case .unknown(let reason): return unproven("whether \(publisher.name) may ask", reason, &record)
        case .refused:
            record.add(
                .note, "read back",
                "\(publisher.name) may not ask whose an object in the inbox is: an answer that is lost is settled by sending again",
                hint: check.plan.choices.joinsSegments
                    ? "s3:GetObject, with the kms:Decrypt that joining segments takes, would be a right to read"
                    : "s3:GetObject without kms:Decrypt lets it ask and not read",
                fixes: remedies.asking)
            return record.add(.good, "refusals", "\(publisher.name) cannot read what lies in the inbox", proof: .refused)
        }
        record.add(.good, "read back", "\(publisher.name) may ask whose an object in the inbox is", proof: .permitted)
        record.add(
            await Reading(of: published.key, published.versionID, in: target.place, as: s3, wantsChecksum: true),
            refused: "\(publisher.name) cannot read what lies in the inbox: it may ask, and has no kms:Decrypt there",
            excessive: "\(publisher.name) can read what lies in the inbox: s3:GetObject and kms:Decrypt together allow it",
            hint: "take kms:Decrypt away from it in the inbox's context, or s3:GetObject on the inbox")
    }

    func unproven(_ what: String, _ reason: AWSFailure, _ record: inout CheckRecord) {
        record.add(.note, "refusals", "\(what) is not known: \(reason)", proof: .unproven)
    }
}
