import PouchAWS
import PouchCrypto
import PouchHTTP
package import PouchKit

extension S3SecureInbox {
    /// The name of the object that `check` leaves in the repository, below the prefix.
    static let probeName = ".pouch-probe/check"

    package func check() async -> [Finding] {
        var findings: [Finding] = []
        findings += await whoIs(generator, in: plan.repository.place)
        if let publisher, let inbox = plan.inbox {
            findings += await whoIs(publisher, in: inbox.place)
            if publisher.name == generator.name {
                findings.append(
                    Finding(
                        .warning, "one identity, \(publisher.name), both stores and publishes",
                        hint: "whoever has it can read what lies in the repository: give each stage its own role"))
            }
        }
        findings += await whereIs(plan.repository.place, by: generator, generatorS3)
        if let publisher, let publisherS3, let inbox = plan.inbox {
            findings += await whereIs(inbox.place, by: publisher, publisherS3)
        }
        findings += await describe(plan.repository.key, by: generator)
        if let publisher, let inbox = plan.inbox { findings += await describe(inbox.key, by: publisher) }
        findings.append(await probe())
        if let inbox = plan.inbox {
            findings.append(
                Finding(
                    .note,
                    "publishing to s3://\(inbox.place.name)/\(inbox.prefix) was not tried: it would leave an object with the partner"
                ))
        }
        return findings
    }

    private func whoIs(_ party: Party, in place: BucketPlace) async -> [Finding] {
        let sts = STS(credentials: party.credentials, region: place.region, endpoint: services.sts, link: link)
        do throws(AWSFailure) {
            let caller = try await sts.callerIdentity()
            guard let role = party.role, role.account != caller.account else {
                return [Finding(.good, "\(party.name) is \(caller.arn)")]
            }
            return [Finding(.failure, "\(party.name) is \(caller.arn), which is not of the account \(role.account)")]
        } catch {
            if case .withoutCredentials(let failure) = error.origin {
                return [
                    Finding(
                        .failure, "\(party.name) has no credentials: could not \(failure.step): \(failure.cause)",
                        hint: failure.hint)
                ]
            }
            return [Finding(.warning, "who \(party.name) is could not be asked: \(error)")]
        }
    }

    private func whereIs(_ place: BucketPlace, by party: Party, _ s3: S3) async -> [Finding] {
        do throws(AWSFailure) {
            let region = try await s3.headBucket(place)
            return [
                regionFinding(place, region.description) ?? Finding(.good, "\(place.name) is in \(region), of the expected account")
            ]
        } catch {
            if case .withoutCredentials = error.origin { return [] }
            if let region = error.region, let finding = regionFinding(place, region) { return [finding] }
            if error.status == 403 {
                return [
                    Finding(
                        .note, "\(party.name) may not look at the bucket \(place.name) itself, which is not needed",
                        hint: "it is also what another owner than \(place.owner?.description ?? "the expected one") looks like")
                ]
            }
            let call = AttemptedCall(
                attempt: "look at the bucket \(place.name)", side: place == plan.repository.place ? .repository : .inbox,
                identity: party.label, bucket: place, key: "")
            return [finding(Diagnosis.failure(error, of: call))]
        }
    }

    private func regionFinding(_ place: BucketPlace, _ region: String) -> Finding? {
        guard region != place.region.description, place.endpoint == nil else { return nil }
        return Finding(
            .failure, "\(place.name) is in \(VisibleText.escaped(region)), and the settings say \(place.region)",
            hint: "set region: \(VisibleText.escaped(region)), and name a key of that region")
    }

    private func describe(_ key: KeyARN, by party: Party) async -> [Finding] {
        let kms = KMS(credentials: party.credentials, endpoint: services.kms, link: link)
        do throws(AWSFailure) {
            let report = try await kms.describeKey(key)
            guard report.isUsableByS3 else {
                return [
                    Finding(
                        .failure, "\(key) is \(report.state), for \(report.usage), \(report.kind)",
                        hint: "S3 needs an enabled symmetric key for ENCRYPT_DECRYPT: its owner must see to it")
                ]
            }
            return [Finding(.good, "\(key) is enabled and of the right kind")]
        } catch {
            if case .withoutCredentials = error.origin { return [] }
            return [
                Finding(
                    .note, "\(party.name) may not describe \(key), which is not needed: \(error.code)",
                    hint: "kms:DescribeKey would let doctor see whether the key is enabled")
            ]
        }
    }

    private func probe() async -> Finding {
        let repository = plan.repository
        let key = repository.prefix + Self.probeName
        let empty = FileDigests(sha256: SHA256Hasher.digest(of: ""), crc64nvme: CRC64NVME(0))
        let attributes = ObjectAttributes(key: repository.key, usesBucketKey: false)
        let put = PutObject(bucket: repository.place, key: key, body: .none, digests: empty, attributes: attributes)
        let place = "s3://\(repository.place.name)/\(key)"
        do throws(AWSFailure) {
            let answer = try await generatorS3.putObject(put)
            do throws(DeliveryFailure) {
                try Verification(attempt: "store a probe", place: "repository").check(answer.encryption, key: repository.key)
            } catch {
                return finding(error)
            }
            return Finding(.good, "\(generator.name) may store under \(repository.key): it left an empty object at \(place)")
        } catch {
            let call = AttemptedCall(
                attempt: "store an empty object at \(place)", side: .repository, identity: generator.label,
                bucket: repository.place, key: key, keyARN: repository.key)
            return finding(Diagnosis.failure(error, of: call))
        }
    }

    private func finding(_ failure: DeliveryFailure) -> Finding {
        Finding(.failure, "could not \(failure.attempt): \(failure.cause)", hint: failure.hint)
    }
}
