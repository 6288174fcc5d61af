import PouchAWS
import PouchKit
import PouchPartnerKit

/// The negative proofs of the inbox: what a careless or hostile publisher must not be able to do there, whatever its own policies say.
extension PublishProbe {
    func refuse(_ key: String, _ stored: InboxCheck.Stored, _ record: inout CheckRecord) async {
        var again = copy(of: stored, to: key)
        again.attributes.isCreateOnly = false
        if check.plan.whenTaken == .replace {
            await permit("the inbox lets \(publisher.name) write over an object, as when-taken: replace wants", again, &record)
        } else {
            await guardAgainst(
                "the inbox refuses to be written over", again, excessive: "the inbox lets \(publisher.name) write over an object",
                .newKeysOnly, &record)
        }
        var plain = copy(of: stored, to: key + "-service-key")
        plain.attributes.encryption = .byServiceKey
        await guardAgainst(
            "the inbox refuses other encryption than the key's", plain,
            excessive: "the inbox takes objects that are not encrypted under a key of the partner's", .refuseOtherEncryption,
            &record)
        var unnamed = copy(of: stored, to: key + "-unnamed-key")
        unnamed.attributes.encryption = .underUnnamedKey
        await guardAgainst(
            "the inbox refuses other keys", unnamed, excessive: "the inbox takes objects under a key that is not the partner's",
            .refuseOtherKeys, &record)
    }

    /// What the partner's guards should refuse. Files arrive without them: it is a warning.
    private func guardAgainst(
        _ refused: String,
        _ request: CopyObject,
        excessive: String,
        _ statement: StatementName,
        _ record: inout CheckRecord
    ) async {
        do throws(AWSFailure) {
            _ = try await s3.copyObject(request)
            record.add(
                .warning, "refusals", "\(excessive): an empty one lies at s3://\(request.bucket.name)/\(request.key)",
                hint: "the partner can add a guard", proof: .excessive, fixes: remedies.ofInbox(statement))
        } catch {
            guard error.status == 403 else { return unproven("whether \(refused)", error, &record) }
            record.add(.good, "refusals", refused, proof: .refused)
        }
    }

    private func permit(_ text: String, _ request: CopyObject, _ record: inout CheckRecord) async {
        do throws(AWSFailure) {
            _ = try await s3.copyObject(request)
            record.add(.good, "publish", text, proof: .permitted)
        } catch {
            record.add(
                .failure, "publish", "the inbox refuses to be written over, and when-taken is replace: \(error)",
                hint: "use when-taken: suffix, or ask the partner to remove the statement NewKeysOnly from its bucket policy")
        }
    }
}
