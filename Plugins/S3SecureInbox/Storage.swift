import PouchAWS
import PouchHTTP
import PouchKit

/// The stage `store`: one object in the repository, by the generator.
struct Storage: Sendable {
    let run: DeliveryRun

    private var repository: InboxPlan.Repository { run.plan.repository }
    private var attempt: String { "store \(run.name) in the repository of \(run.context.partner)" }

    /// Stores the file, and checks that it lies there as it was asked for. Doing it again leaves a second version, which harms
    /// nobody: the publisher is told which one to take.
    func store() async throws(DeliveryFailure) -> Progress.Stored {
        let start = run.inbox.link.clock.monotonic
        let key = repository.prefix + "\(run.context.delivery)/\(run.context.key.name)"
        guard key.utf8.count <= DeliveryKey.longestKey else {
            throw DeliveryFailure(
                .quarantine, code: "key-too-long", attempt: attempt,
                cause: "the key in the repository would have \(key.utf8.count) bytes, and S3 takes \(DeliveryKey.longestKey)",
                hint: "shorten repository.prefix, or the names that the route's template gives")
        }
        let digests = try await run.file.digests()
        var attributes = ObjectAttributes(
            key: repository.key,
            // With a Bucket Key, KMS would be asked about the bucket instead of the object, and may want Decrypt for it.
            usesBucketKey: false,
            metadata: try run.consignment(digests).repositoryMetadata(attempt: attempt)
        )
        attributes.contentType = "application/octet-stream"
        var put = PutObject(
            bucket: repository.place, key: key,
            body: .file(descriptor: run.file.descriptor, offset: 0, count: run.file.size), digests: digests,
            attributes: attributes)
        put.bytesPerSecond = run.context.budget.limits.share
        let answer = try await send(put)
        // The last byte was read: what arrived is what was claimed, or it is not delivered at all.
        try run.file.verifyUnchanged()
        try verify(answer, digests)
        return Progress.Stored(
            key: key, versionID: answer.versionID, etag: answer.etag, digests: digests, size: run.file.size,
            at: run.inbox.link.clock.now, record: record(key, answer, digests, since: start))
    }

    private func send(_ put: PutObject) async throws(DeliveryFailure) -> PutObject.Answer {
        do throws(AWSFailure) {
            return try await run.inbox.generatorS3.putObject(put) { [context = run.context] in context.report(bytesSent: $0) }
        } catch {
            // Whatever S3 made of it: a file that is not the one that was claimed is the better reason.
            try run.file.verifyUnchanged()
            throw Diagnosis.failure(
                error,
                of: AttemptedCall(
                    attempt: attempt, side: .repository, identity: run.inbox.generator.label, bucket: repository.place,
                    key: put.key, keyARN: repository.key))
        }
    }

    private func verify(_ answer: PutObject.Answer, _ digests: FileDigests) throws(DeliveryFailure) {
        try Verification(attempt: attempt, place: "repository").check(answer.encryption, key: repository.key)
        // A service that does not know the checksum has checked the body's hash in the signature, or nothing at all.
        guard let checksum = answer.checksum else {
            guard repository.place.endpoint == nil else { return }
            throw DeliveryFailure(
                .retry, code: "checksum-missing", attempt: attempt, cause: "S3 did not confirm the CRC64NVME checksum that was sent"
            )
        }
        guard checksum == digests.crc64nvme else {
            throw DeliveryFailure(
                .retry, code: "checksum-mismatch", attempt: attempt,
                cause: "S3 stored bytes with the CRC64NVME \(checksum), and those sent have \(digests.crc64nvme)")
        }
    }

    private func record(
        _ key: String,
        _ answer: PutObject.Answer,
        _ digests: FileDigests,
        since start: Duration
    ) -> StageRecord {
        var facts = StageFacts(bucket: repository.place, key: key, keyARN: repository.key)
        facts.add(versionID: answer.versionID, etag: answer.etag, checksum: answer.checksum, ids: answer.ids)
        facts["region"] = answer.region.description
        return StageRecord(
            stage: .store, identity: repository.identity, facts: facts.values, requests: answer.requests,
            milliseconds: run.inbox.link.clock.milliseconds(since: start))
    }
}

/// Checks that an object is encrypted as it was asked for.
struct Verification {
    let attempt: String
    /// "inbox"
    let place: String

    /// - Throws: `DeliveryFailure` with `.hold`: every further file would suffer the same.
    func check(_ report: EncryptionReport, key: KeyARN) throws(DeliveryFailure) {
        guard report.algorithm == "aws:kms", report.keyARN == key.description else {
            let found = report.algorithm.map { "\($0) under \(report.keyARN ?? "an unnamed key")" } ?? "nothing"
            throw DeliveryFailure(
                .hold, code: "wrong-encryption", attempt: attempt,
                cause:
                    "the \(place) took the object and reports encryption with \(VisibleText.escaped(found)), asked was aws:kms under \(key)",
                hint: "the object may lie there in plain: whoever owns the \(place) should look at it and remove it")
        }
    }
}

/// What a stage's record says, under its names.
struct StageFacts {
    private(set) var values: [String: String] = [:]

    init(bucket: BucketPlace, key: String, keyARN: KeyARN) {
        values = ["bucket": bucket.name.description, "key": key, "keyArn": keyARN.description]
        if let owner = bucket.owner {
            // No answer carries the owner. S3 refuses a request that expects another one.
            values["owner"] = "asserted"
            values["ownerAccount"] = owner.description
        }
    }

    subscript(_ name: String) -> String? {
        get { values[name] }
        set { values[name] = newValue }
    }

    mutating func add(versionID: String?, etag: String?, checksum: CRC64NVME?, ids: RequestIDs) {
        values["versionId"] = versionID
        values["etag"] = etag
        values["crc64nvme"] = checksum?.base64
        values["requestId"] = ids.request
        values["hostId"] = ids.host
    }
}
