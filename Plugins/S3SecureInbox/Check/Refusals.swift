import PouchAWS
import PouchKit
import PouchPartnerKit

/// The negative proofs of our own two roles: what must be refused is tried.
extension InboxCheck {
    func refuseGenerator(_ stored: Stored, _ remedies: Remedies, _ record: inout CheckRecord) async {
        guard inbox.publisher?.name != inbox.generator.name else { return }
        let name = inbox.generator.name
        let s3 = inbox.generatorS3
        let repository = plan.repository
        await prove(
            "\(name) cannot read what it stored", excessive: "\(name) can read what it stored: s3:GetObject is allowed to it",
            fixes: remedies.ofRole(.neverRead, .generator), &record
        ) { () async throws(AWSFailure) in
            _ = try await s3.headObject(in: repository.place, key: stored.key, versionID: stored.versionID)
        }
        await proveNoDecrypt(stored, &record)
        if plan.choices.storesInParts { await refuseOtherKeys(remedies, &record) }
        if !repository.prefix.isEmpty {
            let outside = Self.probeFolder + "outside"
            await prove(
                "\(name) cannot store outside \(repository.prefix)",
                excessive: "\(name) can store outside \(repository.prefix): it left an empty object at "
                    + "s3://\(repository.place.name)/\(outside)",
                hint: "narrow s3:PutObject in its policies to \(repository.prefix)*", &record
            ) { () async throws(AWSFailure) in
                _ = try await s3.putObject(emptyObject(at: outside, in: repository.place))
            }
        }
        if let target = plan.inbox {
            let key = target.prefix + Self.probeFolder + "generator"
            await prove(
                "\(name) cannot put anything into the inbox",
                excessive: "\(name) can put objects into the inbox: it left an empty one at s3://\(target.place.name)/\(key)",
                hint: "only the publisher should be named in the partner's bucket policy", &record
            ) { () async throws(AWSFailure) in
                _ = try await s3.putObject(emptyObject(at: key, in: target.place, under: target.key))
            }
        }
    }

    /// Through S3 it would take a right to read as well: this asks KMS itself.
    private func proveNoDecrypt(_ stored: Stored, _ record: inout CheckRecord) async {
        let name = inbox.generator.name
        let key = plan.repository.key
        let kms = KMS(credentials: inbox.generator.credentials, endpoint: inbox.services.kms, link: inbox.link)
        let object = "arn:\(key.region.partition.rawValue):s3:::\(plan.repository.place.name)/\(stored.key)"
        do throws(AWSFailure) {
            if try await kms.refusesToDecrypt(under: key, for: object) {
                record.add(.good, "refusals", "\(name) cannot decrypt under \(key): KMS refuses it", proof: .refused)
            } else {
                record.add(
                    .note, "refusals",
                    "whether \(name) can decrypt under \(key) is not known: KMS did not refuse it for want of permission",
                    hint: "look whether its policies and the key's allow it kms:Decrypt: sealing needs kms:GenerateDataKey alone",
                    proof: .unproven)
            }
        } catch {
            record.add(.note, "refusals", "whether \(name) can decrypt under \(key) is not known: \(error)", proof: .unproven)
        }
    }

    /// Whoever stores in parts may decrypt, and only the key's name keeps it to the partner's. The key that is tried is nobody's: should the
    /// policy let it pass, KMS does not.
    private func refuseOtherKeys(_ remedies: Remedies, _ record: inout CheckRecord) async {
        let (name, repository) = (inbox.generator.name, plan.repository)
        guard let nobodys = try? KeyARN(repository.key.description.prefix { $0 != "/" } + "/00000000-0000-4000-8000-000000000000")
        else {
            return
        }
        let put = emptyObject(at: repository.prefix + Self.probeFolder + "other-key", in: repository.place, under: nobodys)
        do throws(AWSFailure) {
            _ = try await inbox.generatorS3.putObject(put)
        } catch {
            let refused = RefusedAction(error.message)
            if error.status == 403, refused?.action != "kms:GenerateDataKey" {
                return record.add(.good, "refusals", "\(name) cannot store under other keys", proof: .refused)
            }
            guard error.code.hasPrefix("KMS.") || refused?.action == "kms:GenerateDataKey" else {
                return record.add(
                    .note, "refusals", "whether \(name) can store under other keys is not known: \(error)", proof: .unproven)
            }
        }
        record.add(
            .failure, "refusals", "\(name) can store under keys that are not the partner's: nothing but the key itself stopped it",
            hint: "its policies refuse other keys by a statement of its own, since the later requests of an upload name none",
            proof: .excessive, fixes: remedies.ofRole(.refuseOtherKeysInRepository, .generator))
    }

    func refusePublisher(_ publisher: S3SecureInbox.Party, _ s3: S3, _ record: inout CheckRecord) async {
        guard publisher.name != inbox.generator.name else { return }
        let repository = plan.repository
        let key = repository.prefix + Self.probeFolder + "publisher"
        await prove(
            "\(publisher.name) cannot write into the repository",
            excessive:
                "\(publisher.name) can write into the repository: it left an empty object at s3://\(repository.place.name)/\(key)",
            hint: "take s3:PutObject on the repository away from it", &record
        ) { () async throws(AWSFailure) in
            _ = try await s3.putObject(emptyObject(at: key, in: repository.place))
        }
    }

    /// - Parameter excessive: What is said when it was not refused.
    private func prove(
        _ refused: String,
        excessive: String,
        hint: String? = nil,
        fixes: [Finding.Fix] = [],
        _ record: inout CheckRecord,
        by attempt: () async throws(AWSFailure) -> Void
    ) async {
        do throws(AWSFailure) {
            try await attempt()
            record.add(.failure, "refusals", excessive, hint: hint, proof: .excessive, fixes: fixes)
        } catch {
            guard error.status == 403 else {
                return record.add(.note, "refusals", "whether \(refused) is not known: \(error)", proof: .unproven)
            }
            record.add(.good, "refusals", refused, proof: .refused)
        }
    }
}

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
