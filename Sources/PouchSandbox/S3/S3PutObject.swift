import PouchFiles
import PouchKit

extension S3Service {
    /// Needs `s3:PutObject` and, under SSE-KMS, `kms:GenerateDataKey`; more only for an ACL, tags or `If-Match`.
    func putObject(_ call: S3Call, body: IncomingBody) async throws -> Reply {
        try Self.check(call.key)
        let expectation = try PayloadExpectation(call.headers, mode: call.mode)
        let draft = try creation(of: call)
        let condition = try WriteCondition(call.headers)
        try requireCreation(draft, condition: condition, call: call, isCreating: true)
        // Refused now if it is hopeless; decided again, in one step with the effect, when the bytes are here.
        try condition.check(store.current(call.bucket.name, call.key), key: call.key)

        let isSealed = draft.attributes.encryption.keyARN != nil
        let intake = BodyIntake(
            expectation, place: .store(store.bodies), needsMD5: !isSealed,
            algorithm: expectation.checksum?.algorithm ?? .crc64nvme, chain: chain(of: call))
        let received = try await intake.receive(body)
        let object = try await settle(
            draft, body: received.body, etag: isSealed ? ETag.opaque() : received.md5 ?? ETag.opaque(),
            checksum: received.checksum, condition: condition, call: call)
        return Reply(
            200,
            headers: [("etag", ETag.quoted(object.etag))] + Self.checksumHeaders(object)
                + Self.encryptionHeaders(object.attributes.encryption) + Self.versionHeaders(object, in: call.bucket))
    }

    /// What a PutObject, a CopyObject or a CreateMultipartUpload will make.
    struct Creation: Sendable {
        var attributes: ObjectAttributes
        let owner: String
    }

    func creation(of call: S3Call) throws(Refusal) -> Creation {
        var attributes = try Self.attributes(of: call.headers)
        attributes.acl = try Self.acl(of: call.headers, in: call.bucket)
        attributes.encryption = try encryption(of: call)
        if call.effect.storesPlaintext { attributes.encryption = .none }
        return Creation(
            attributes: attributes, owner: Self.owner(in: call.bucket, acl: attributes.acl, writer: call.caller))
    }

    /// - Parameter isCreating: `s3:ObjectCreationOperation`: false for the calls of a multipart upload before its end.
    func requireCreation(_ draft: Creation, condition: WriteCondition, call: S3Call, isCreating: Bool) throws(Refusal) {
        let bucket = call.bucket
        try require("s3:PutObject", on: call.key, of: bucket, by: call) { context in
            context.set("s3:ObjectCreationOperation", isCreating)
            for (name, value) in draft.attributes.tags { context.set("s3:RequestObjectTag/\(name)", value) }
            if !draft.attributes.tags.isEmpty { context.set("s3:RequestObjectTagKeys", draft.attributes.tags.keys.sorted()) }
        }
        if condition.needsReading { try require("s3:GetObject", on: call.key, of: bucket, by: call) }
        if draft.attributes.acl != nil { try require("s3:PutObjectAcl", on: call.key, of: bucket, by: call) }
        if !draft.attributes.tags.isEmpty { try require("s3:PutObjectTagging", on: call.key, of: bucket, by: call) }
        try requireKey("kms:GenerateDataKey", for: draft.attributes.encryption, of: call.key, in: bucket, by: call)
    }

    /// Makes the object visible, if the condition holds at this very moment.
    ///
    /// - Parameter isCopy: the files of the body are another object's.
    func settle(
        _ draft: Creation,
        body: StoredBody,
        etag: String,
        checksum: ObjectChecksum?,
        condition: WriteCondition,
        call: S3Call,
        ending upload: String? = nil,
        isCopy: Bool = false
    ) async throws(Refusal) -> StoredObject {
        let object = StoredObject(
            bucket: call.bucket.name, key: call.key, version: Self.newVersion(in: call.bucket), body: body, etag: etag,
            modified: call.now, owner: draft.owner, writer: call.caller.arn, attributes: draft.attributes, checksum: checksum)
        try await onBlockingThread { () throws(Refusal) in
            do throws(Refusal) {
                try store.change { index throws(Refusal) in
                    try condition.check(index.current(call.bucket.name, call.key), key: call.key)
                    if let upload, index.uploads[upload] == nil { throw .noSuchUpload }
                    // The source may have been deleted since it was looked at, and its files with it.
                    guard !isCopy || body.extents.allSatisfy({ index.references[$0.file] != nil }) else {
                        throw .noSuchKey(call.key.text)
                    }
                    return (changes: [.put(object)] + (upload.map { [.end(upload: $0)] } ?? []), answer: ())
                }
            } catch {
                store.forgetIfUnused(body)
                throw error
            }
        }
        call.notes.note { $0.version = object.version }
        arrivals(object, call.operation)
        return object
    }

    static func checksumHeaders(_ object: StoredObject) -> [(name: String, value: String)] {
        guard let checksum = object.checksum else { return [] }
        return [(checksum.algorithm.header, checksum.value), ("x-amz-checksum-type", checksum.kind.rawValue)]
    }
}
