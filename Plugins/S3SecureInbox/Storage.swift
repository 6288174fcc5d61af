import PouchAWS
import PouchHTTP
import PouchKit

/// The stage `store`: what the generator leaves in the repository.
struct Storage: Sendable {
    let run: DeliveryRun

    var repository: InboxPlan.Repository { run.plan.repository }
    var attempt: String { "store \(run.name) in the repository of \(run.context.partner)" }

    /// Stores the file in the form that its size asks for, and checks that it lies there as it was asked for. Doing it again leaves
    /// another version, which harms nobody: the publisher is told which one to take.
    ///
    /// - Parameter checkpoint: What an earlier attempt left of a large file.
    func store(from checkpoint: Checkpoint?) async throws(DeliveryFailure) -> Progress.Stored {
        let partial = PartialStore(checkpoint)
        switch repository.upload.form(ofSize: run.file.size) {
        case .whole:
            return try await storeWhole()
        case .segments(let plan):
            let store = SegmentStore(storage: self, plan: plan)
            return try await LargeStorage(run: run, plan: plan, store: store).stored(from: partial)
        case .parts(let plan):
            let store = UploadStore(storage: self, plan: plan)
            return try await LargeStorage(run: run, plan: plan, store: store).stored(from: partial)
        case .tooLarge:
            throw DeliveryFailure(
                .hold, code: "too-large", attempt: attempt,
                cause: "the file has \(run.file.size) bytes, and upload: \(repository.upload.method) takes "
                    + "\(repository.upload.largestFile) at most",
                hint: repository.upload.method == .single
                    ? "upload: sealed stores larger files in segments" : "one object takes 48.8 TiB: split the file")
        }
    }

    private func storeWhole() async throws(DeliveryFailure) -> Progress.Stored {
        let start = run.inbox.link.clock.monotonic
        let key = try key()
        let digests = try await run.file.digests()
        var attributes = attributes(metadata: try run.consignment(digests).repositoryMetadata(attempt: attempt))
        attributes.contentType = "application/octet-stream"
        var put = PutObject(
            bucket: repository.place, key: key,
            body: .file(descriptor: run.file.descriptor, offset: 0, count: run.file.size), digests: PartDigests(digests),
            attributes: attributes)
        put.budget = run.context.budget
        let answer = try await inSlot { () async throws(DeliveryFailure) in
            try await send(put) { [context = run.context] in context.report(bytesSent: $0) }
        }
        // The last byte was read: what arrived is what was claimed, or it is not delivered at all.
        try run.file.verifyUnchanged()
        return stored(
            RepositoryObject(key: key, versionID: answer.versionID, etag: answer.etag), form: .object, digests,
            facts(key: key, answer), requests: answer.requests, since: start)
    }

    // MARK: What all forms share

    func key() throws(DeliveryFailure) -> String {
        let key = repository.prefix + "\(run.context.delivery)/\(run.context.key.name)"
        guard key.utf8.count <= DeliveryKey.longestKey else { throw tooLong(key) }
        return key
    }

    func tooLong(_ key: String) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "key-too-long", attempt: attempt,
            cause: "the key in the repository would have \(key.utf8.count) bytes, and S3 takes \(DeliveryKey.longestKey)",
            hint: "shorten repository.prefix, or the names that the route's template gives")
    }

    func attributes(metadata: [(name: String, value: String)]) -> ObjectAttributes {
        // With a Bucket Key, KMS would be asked about the bucket instead of the object, and may want Decrypt for it.
        ObjectAttributes(key: repository.key, usesBucketKey: false, metadata: metadata)
    }

    /// Sends something in one of the partner's slots.
    func inSlot<Value>(_ send: () async throws(DeliveryFailure) -> Value) async throws(DeliveryFailure) -> Value {
        guard let slot = await run.context.budget.slot() else {
            throw DeliveryFailure(.retry, code: "cancelled", attempt: attempt, cause: "it was cancelled")
        }
        defer { withExtendedLifetime(slot) {} }
        return try await send()
    }

    /// Stores one object, and checks what the answer says of it.
    func send(
        _ put: PutObject,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(DeliveryFailure) -> PutObject.Answer {
        let answer: PutObject.Answer
        do throws(AWSFailure) {
            answer = try await run.inbox.generatorS3.putObject(put, progress: progress)
        } catch {
            throw try failure(error, at: put.key)
        }
        try Verification(attempt: attempt, place: "repository").check(answer.encryption, key: repository.key)
        try check(answer.checksum, sent: put.digests.crc64nvme)
        return answer
    }

    /// What a refusal means.
    ///
    /// - Throws: `.sourceChanged`: whatever S3 made of it, a file that is not the one that was claimed is the better reason.
    func failure(_ reason: AWSFailure, at key: String) throws(DeliveryFailure) -> DeliveryFailure {
        try run.file.verifyUnchanged()
        return Diagnosis.failure(
            reason,
            of: AttemptedCall(
                attempt: attempt, side: .repository, identity: run.inbox.generator.label, bucket: repository.place, key: key,
                keyARN: repository.key))
    }

    /// A service that does not know the checksum has checked the body's hash in the signature, or nothing at all.
    func check(_ checksum: CRC64NVME?, sent: CRC64NVME) throws(DeliveryFailure) {
        guard let checksum else {
            guard repository.place.endpoint == nil else { return }
            throw DeliveryFailure(
                .retry, code: "checksum-missing", attempt: attempt, cause: "S3 did not confirm the CRC64NVME checksum that was sent"
            )
        }
        guard checksum == sent else {
            throw DeliveryFailure(
                .retry, code: "checksum-mismatch", attempt: attempt,
                cause: "S3 stored bytes with the CRC64NVME \(checksum), and those sent have \(sent)")
        }
    }

    func facts(key: String, _ answer: PutObject.Answer) -> StageFacts {
        var facts = StageFacts(bucket: repository.place, key: key, keyARN: repository.key)
        facts.add(versionID: answer.versionID, etag: answer.etag, checksum: answer.checksum, ids: answer.ids)
        facts["region"] = answer.region.description
        return facts
    }

    func stored(
        _ object: RepositoryObject,
        form: ConsignmentForm,
        _ digests: FileDigests,
        _ facts: StageFacts,
        requests: Int,
        since start: Duration
    ) -> Progress.Stored {
        let clock = run.inbox.link.clock
        let record = StageRecord(
            stage: .store, identity: repository.identity, facts: facts.values, requests: requests,
            milliseconds: clock.milliseconds(since: start))
        return Progress.Stored(
            key: object.key, versionID: object.versionID, etag: object.etag, form: form, digests: digests, size: run.file.size,
            at: clock.now, record: record)
    }
}
