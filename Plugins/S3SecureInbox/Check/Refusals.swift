import PouchAWS
import PouchKit
import PouchPartnerKit

/// The negative proofs of our own two roles: what must be refused is tried.
///
/// A refusal proves no more than it says. Where KMS refuses, S3 had allowed the request already; where S3 refuses a version, the object
/// without one is another right.
extension InboxCheck {
    func refuseGenerator(_ stored: Stored, _ remedies: Remedies, _ record: inout CheckRecord) async {
        guard inbox.publisher?.name != inbox.generator.name else { return }
        let name = inbox.generator.name
        let repository = plan.repository
        record.add(
            await Reading(of: stored.key, stored.versionID, in: repository.place, as: inbox.generatorS3),
            refused: "\(name) cannot read what it stored",
            excessive: "\(name) can read what it stored: s3:GetObject or s3:GetObjectVersion is allowed to it",
            fixes: remedies.ofRole(.neverRead, .generator))
        await proveNoDecrypt(stored, &record)
        if plan.choices.storesInParts {
            await refuseOtherKeys(remedies, &record)
        } else {
            await proveNoParts(&record)
        }
        if !repository.prefix.isEmpty {
            await proveNoWriting(
                to: Self.probeFolder + "outside", in: repository.place, under: repository.key, as: inbox.generatorS3,
                refused: "\(name) cannot store outside \(repository.prefix)",
                excessive: "\(name) can store outside \(repository.prefix)",
                hint: "narrow s3:PutObject in its policies to \(repository.prefix)*", &record)
        }
        if let target = plan.inbox {
            await proveNoWriting(
                to: target.prefix + Self.probeFolder + "generator", in: target.place, under: target.key, as: inbox.generatorS3,
                refused: "\(name) cannot put anything into the inbox",
                excessive: "\(name) can put objects into the inbox",
                hint: "only the publisher should be named in the partner's bucket policy", &record)
        }
    }

    /// Asks KMS itself, which a grant that is for S3 only does not show.
    private func proveNoDecrypt(_ stored: Stored, _ record: inout CheckRecord) async {
        let name = inbox.generator.name
        let key = plan.repository.key
        let kms = KMS(credentials: inbox.generator.credentials, endpoint: inbox.services.kms, link: inbox.link)
        let object = plan.repository.place.name.objectARN(stored.key, in: key.region.partition)
        do throws(AWSFailure) {
            if try await kms.refusesToDecrypt(under: key, for: object) {
                record.add(
                    .good, "refusals", "\(name) cannot decrypt under \(key) by asking KMS itself", proof: .refused)
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

    /// The one request that makes S3 decrypt for somebody who may not read: a part of an upload.
    private func proveNoParts(_ record: inout CheckRecord) async {
        let (name, repository) = (inbox.generator.name, plan.repository)
        let probe = PartsProbe(
            s3: inbox.generatorS3, place: repository.place, key: repository.prefix + Self.probeFolder + Self.partsName,
            attributes: emptyObject(at: "", in: repository.place).attributes)
        switch await probe.outcome() {
        case .complete:
            addDecrypting("", &record)
        case .careless(_, let leavesOpen):
            addDecrypting(leavesOpen ? probe.trace : "", &record)
        case .refused(let reason, let leavesOpen):
            let trace = leavesOpen ? probe.trace : ""
            guard reason.status == 403 else {
                return record.add(
                    .note, "refusals",
                    "whether \(name) can make S3 decrypt under \(repository.key) is not known: \(reason)\(trace)",
                    proof: .unproven)
            }
            // Behind S3's own refusal the right to decrypt may be there; it opens nothing, since no other request would use it.
            let who = Self.isByKMS(reason) ? "KMS refuses it there, too" : "S3 refuses it parts of uploads"
            record.add(
                .good, "refusals", "\(name) cannot make S3 decrypt under \(repository.key): \(who)\(trace)", proof: .refused)
        }
    }

    private func addDecrypting(_ trace: String, _ record: inout CheckRecord) {
        record.add(
            .failure, "refusals",
            "\(inbox.generator.name) can make S3 decrypt under \(plan.repository.key): kms:Decrypt is allowed to it\(trace)",
            hint: "take kms:Decrypt away from it on both sides: only upload: multipart needs it", proof: .excessive)
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
        await proveNoWriting(
            to: repository.prefix + Self.probeFolder + "publisher", in: repository.place, under: repository.key, as: s3,
            refused: "\(publisher.name) cannot write into the repository",
            excessive: "\(publisher.name) can write into the repository",
            hint: "take s3:PutObject on the repository away from it", &record)
    }

    /// Under the partner's key, and where only KMS refuses that, without KMS.
    private func proveNoWriting(
        to key: String,
        in place: BucketPlace,
        under keyARN: KeyARN,
        as s3: S3,
        refused: String,
        excessive: String,
        hint: String,
        _ record: inout CheckRecord
    ) async {
        let ways: [(encryption: ObjectAttributes.Encryption, name: String)] = [
            (.underKey, "under \(keyARN)"), (.byServiceKey, "under S3's own key"), (.byBucket, "as the bucket encrypts by itself"),
        ]
        var isByKMSAlone = false
        for way in ways {
            var put = emptyObject(at: key, in: place, under: keyARN)
            put.attributes.encryption = way.encryption
            if way.encryption != .underKey { put.attributes.usesBucketKey = nil }
            do throws(AWSFailure) {
                _ = try await s3.putObject(put)
                return record.add(
                    .failure, "refusals", "\(excessive): it left an empty object at s3://\(place.name)/\(key), \(way.name)",
                    hint: hint, proof: .excessive)
            } catch {
                guard error.status == 403 else {
                    return record.add(.note, "refusals", "whether \(refused) is not known: \(error)", proof: .unproven)
                }
                if way.encryption == .underKey {
                    guard Self.isByKMS(error) else { return record.add(.good, "refusals", refused, proof: .refused) }
                    isByKMSAlone = true
                }
            }
        }
        guard isByKMSAlone else { return }
        record.add(
            .warning, "refusals",
            "whether \(refused) is not known: S3 let it, and KMS alone refused it \(ways[0].name)", hint: hint, proof: .unproven)
    }

    /// KMS is asked after S3 allowed a request.
    private static func isByKMS(_ reason: AWSFailure) -> Bool {
        reason.code.hasPrefix("KMS.") || RefusedAction(reason.message)?.action.hasPrefix("kms:") == true
    }
}

/// Whether somebody can read an object, by its version or without: they are two rights.
enum Reading {
    case possible
    case refused
    case unknown(AWSFailure)

    /// - Parameter wantsChecksum: Whether `kms:Decrypt` must be there as well.
    init(of key: String, _ versionID: String?, in place: BucketPlace, as s3: S3, wantsChecksum: Bool = false) async {
        for version in versionID.map({ [nil, $0] }) ?? [nil] {
            do throws(AWSFailure) {
                _ = try await s3.headObject(in: place, key: key, versionID: version, wantsChecksum: wantsChecksum)
                self = .possible
                return
            } catch {
                guard error.status == 403 else {
                    self = .unknown(error)
                    return
                }
            }
        }
        self = .refused
    }
}

extension CheckRecord {
    mutating func add(_ reading: Reading, refused: String, excessive: String, hint: String? = nil, fixes: [Finding.Fix] = []) {
        switch reading {
        case .possible: add(.failure, "refusals", excessive, hint: hint, proof: .excessive, fixes: fixes)
        case .refused: add(.good, "refusals", refused, proof: .refused)
        case .unknown(let reason): add(.note, "refusals", "whether \(refused) is not known: \(reason)", proof: .unproven)
        }
    }
}
