import PouchAWS
import PouchHTTP
import PouchKit
import PouchPartnerKit

extension InboxCheck {
    /// The empty object in the repository, by its version.
    struct Stored {
        let key: String
        let versionID: String?
        let etag: String
    }

    /// Stores as a delivery would.
    func storeProbe(_ remedies: Remedies, _ record: inout CheckRecord) async -> Stored? {
        let repository = plan.repository
        let location = "s3://\(repository.place.name)/\(probeKey)"
        let attempt = "store an empty object at \(location)"
        do throws(AWSFailure) {
            let answer = try await inbox.generatorS3.putObject(emptyObject(at: probeKey, in: repository.place))
            do throws(DeliveryFailure) {
                try Verification(attempt: attempt, place: "repository").check(answer.encryption, key: repository.key)
            } catch {
                record.add(error, "store")
                record.add(.note, "store", "it left an empty object at \(location)")
                return nil
            }
            record.add(
                .good, "store", "\(inbox.generator.name) stores under \(repository.key): it left an empty object at \(location)",
                proof: .permitted)
            return Stored(key: probeKey, versionID: answer.versionID, etag: answer.etag)
        } catch {
            let call = AttemptedCall(
                attempt: attempt, side: .repository, identity: inbox.generator.label, bucket: repository.place, key: probeKey,
                keyARN: repository.key)
            let failure = Diagnosis.failure(error, of: call)
            if error.code == "AccessDenied", RefusedAction(error.message) == nil, await belongsToSomebodyElse(repository.place) {
                record.add(
                    .failure, "store",
                    "could not \(attempt): \(repository.place.name) does not belong to account \(repository.place.owner?.description ?? "")",
                    hint:
                        "without that expectation the store succeeded, and left an empty object there: put the right account into repository.owner"
                )
                return nil
            }
            record.add(failure, "store", fixes: RefusedAction(error.message).map { remedies.fixes(for: $0, as: .generator) } ?? [])
            return nil
        }
    }

    /// Whether the same request passes when no owner is expected.
    private func belongsToSomebodyElse(_ place: BucketPlace) async -> Bool {
        let anybodys = BucketPlace(name: place.name, region: place.region, owner: nil, endpoint: place.endpoint)
        return (try? await inbox.generatorS3.putObject(emptyObject(at: probeKey, in: anybodys))) != nil
    }

    func emptyObject(at key: String, in place: BucketPlace, under keyARN: KeyARN? = nil) -> PutObject {
        var attributes = ObjectAttributes(key: keyARN ?? plan.repository.key, usesBucketKey: false, metadata: Self.mark)
        attributes.contentType = "application/octet-stream"
        return PutObject(bucket: place, key: key, body: .none, digests: Self.nothing, attributes: attributes)
    }
}
