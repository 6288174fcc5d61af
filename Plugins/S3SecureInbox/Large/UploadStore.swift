import PouchAWS
import PouchHTTP
import PouchKit

/// Stores a large file as one object, sent in parts: for a generator that is allowed to decrypt, which S3 asks for to add parts to what
/// it encrypted.
struct UploadStore: PartStore {
    let storage: Storage
    let plan: PartPlan

    private var run: DeliveryRun { storage.run }
    private var repository: InboxPlan.Repository { storage.repository }
    private var s3: S3 { run.inbox.generatorS3 }
    var attempt: String { storage.attempt }

    /// What the object is to have must be said at the start, the file's digests included: it is read twice.
    func begin() async throws(DeliveryFailure) -> PartialStore.Place {
        let key = try storage.key()
        let digests = try await run.file.digests()
        await abortStrays(at: key)
        var attributes = storage.attributes(metadata: try run.consignment(digests).repositoryMetadata(attempt: attempt))
        attributes.contentType = "application/octet-stream"
        let create = CreateMultipartUpload(bucket: repository.place, key: key, attributes: attributes)
        let answer: CreateMultipartUpload.Answer
        do throws(AWSFailure) {
            answer = try await s3.createMultipartUpload(create)
        } catch {
            throw try storage.failure(error, at: key)
        }
        try Verification(attempt: attempt, place: "repository").check(answer.encryption, key: repository.key)
        return .upload(id: answer.upload.id, bucket: repository.place.name.description, key: key)
    }

    /// Uploads of this delivery that a crash left before anybody noted them: the key is this delivery's alone.
    private func abortStrays(at key: String) async {
        // Who may not list them leaves them to the lifecycle rule.
        guard let strays = try? await s3.openUploads(in: repository.place, key: key) else { return }
        for stray in strays { _ = try? await s3.abortMultipartUpload(stray.upload) }
    }

    func send(
        _ part: OutgoingPart,
        to place: PartialStore.Place,
        progress: @escaping @Sendable (Int64) -> Void
    ) async throws(PartTrouble) -> (part: PartialStore.Part, requests: Int) {
        let upload = try upload(at: place)
        var request = UploadPart(
            upload: upload, number: part.number,
            body: .file(descriptor: run.file.descriptor, offset: part.range.lowerBound, count: Int64(part.range.count)),
            digests: part.digests)
        request.budget = run.context.budget
        let answer: PartAnswer
        do throws(AWSFailure) {
            answer = try await s3.uploadPart(request, progress: progress)
        } catch {
            throw trouble(error, at: upload.key)
        }
        do throws(DeliveryFailure) {
            try storage.check(answer.part.checksum, sent: part.digests.crc64nvme)
        } catch {
            throw .failure(error)
        }
        return (
            PartialStore.Part(etag: answer.part.etag, versionID: nil, checksum: part.digests.crc64nvme), answer.requests
        )
    }

    func finish(
        _ partial: PartialStore,
        _ digests: FileDigests,
        requests: Int,
        since start: Duration
    ) async throws(PartTrouble) -> Progress.Stored {
        let upload = try upload(at: partial.place)
        let parts = plan.numbers.compactMap { number in
            partial.parts[number].map { UploadedPart(number: number, etag: $0.etag, checksum: $0.checksum) }
        }
        let complete = CompleteMultipartUpload(
            upload: upload, parts: parts, checksum: digests.crc64nvme, size: plan.byteCount)
        var sent = requests
        var completed: CompleteMultipartUpload.Answer?
        var latest: AWSFailure?
        for _ in 0..<Self.mostCompletions {
            do throws(AWSFailure) {
                let answer = try await s3.completeMultipartUpload(complete)
                sent += answer.requests
                completed = answer
            } catch {
                sent += error.requests
                latest = error
            }
            if let completed { return try stored(completed, at: upload.key, digests, requests: sent, since: start) }
            guard let failure = latest, failure.isOutcomeUnknown, failure.origin != .cancelled else { break }
            // To complete again what is complete changes nothing.
            if await isGone(upload) { return try await found(upload, digests, requests: sent, since: start) }
        }
        guard let latest else { throw .useless("the upload was not completed") }
        if latest.code == "NoSuchUpload" { return try await found(upload, digests, requests: sent, since: start) }
        throw trouble(latest, at: upload.key)
    }

    private func stored(
        _ answer: CompleteMultipartUpload.Answer,
        at key: String,
        _ digests: FileDigests,
        requests: Int,
        since start: Duration
    ) throws(PartTrouble) -> Progress.Stored {
        do throws(DeliveryFailure) {
            try Verification(attempt: attempt, place: "repository").check(answer.encryption, key: repository.key)
            try storage.check(answer.checksum, sent: digests.crc64nvme)
        } catch {
            throw .failure(error)
        }
        var facts = StageFacts(bucket: repository.place, key: key, keyARN: repository.key)
        facts.add(versionID: answer.versionID, etag: answer.etag, checksum: answer.checksum, ids: answer.ids)
        facts["region"] = answer.region.description
        facts["parts"] = "\(plan.count)"
        return storage.stored(
            RepositoryObject(key: key, versionID: answer.versionID, etag: answer.etag), form: .object, digests, facts,
            requests: requests, since: start)
    }

    /// The upload was completed, and nobody heard the answer: what lies there says which version it is, to whoever may ask.
    private func found(
        _ upload: MultipartUpload,
        _ digests: FileDigests,
        requests: Int,
        since start: Duration
    ) async throws(PartTrouble) -> Progress.Stored {
        for s3 in [run.inbox.publisherS3, run.inbox.generatorS3].compactMap(\.self) {
            guard let report = try? await s3.headObject(in: repository.place, key: upload.key), let etag = report.etag,
                report.size == plan.byteCount, report.metadata["pouch-sha256"] == digests.sha256.description
            else { continue }
            var facts = StageFacts(bucket: repository.place, key: upload.key, keyARN: repository.key)
            facts.add(versionID: report.versionID, etag: etag, checksum: nil, ids: report.ids)
            facts["parts"] = "\(plan.count)"
            return storage.stored(
                RepositoryObject(key: upload.key, versionID: report.versionID, etag: etag), form: .object, digests, facts,
                requests: requests + report.requests, since: start)
        }
        throw .useless("the upload is gone, and whether it was completed cannot be asked")
    }

    private func isGone(_ upload: MultipartUpload) async -> Bool {
        do throws(AWSFailure) {
            _ = try await s3.listParts(of: upload)
            return false
        } catch {
            return error.code == "NoSuchUpload"
        }
    }

    private func trouble(_ reason: AWSFailure, at key: String) -> PartTrouble {
        if ["NoSuchUpload", "InvalidPart", "EntityTooSmall"].contains(reason.code) {
            return .useless("the upload cannot be completed: \(reason)")
        }
        do throws(DeliveryFailure) {
            return .failure(try storage.failure(reason, at: key))
        } catch {
            return .failure(error)
        }
    }

    private func upload(at place: PartialStore.Place) throws(PartTrouble) -> MultipartUpload {
        guard case .upload(let id, _, let key) = place else { throw .useless("what was stored before are segments") }
        return MultipartUpload(bucket: repository.place, key: key, id: id)
    }

    /// Requests to complete in one attempt.
    private static let mostCompletions = 3
}
