import PouchKit

extension S3Service {
    /// 5 GB in AWS's words, 5 GiB in its arithmetic: larger objects are copied in parts.
    static let largestCopy: Int64 = 5 << 30

    /// Needs everything that reading the source needs (see `source(of:)`) and everything that creating the destination needs,
    /// each with its own key context.
    func copyObject(_ call: S3Call) async throws -> Reply {
        try Self.check(call.key)
        let replacesMetadata = try directive("x-amz-metadata-directive", of: call)
        let replacesTags = try directive("x-amz-tagging-directive", of: call)
        var draft = try creation(of: call)
        let condition = try WriteCondition(call.headers)
        let (source, sourceBucket, named) = try source(of: call)
        try requireTags(of: source, in: sourceBucket, copied: !replacesTags, call: call)
        if !replacesMetadata {
            draft.attributes.metadata = source.attributes.metadata
            draft.attributes.systemHeaders = source.attributes.systemHeaders
        }
        if !replacesTags { draft.attributes.tags = source.attributes.tags }
        try requireCreation(draft, condition: condition, call: call, isCreating: true)
        try refuseCopyOntoItself(source, draft, call: call, replacesMetadata: replacesMetadata)
        guard source.size <= Self.largestCopy else {
            throw Refusal.invalidRequest(
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                    + "\(Self.largestCopy)")
        }
        let checksum = try await self.checksum(ofCopyOf: source, headers: call.headers)
        let isSealed = draft.attributes.encryption.keyARN != nil || source.attributes.encryption.keyARN != nil
        let object = try await settle(
            draft, body: source.body, etag: isSealed ? ETag.opaque() : source.etag, checksum: checksum, condition: condition,
            call: call, isCopy: true)
        let document = XMLText("CopyObjectResult", namespace: XMLText.s3) { result in
            result.add("LastModified", WireTime.iso8601(object.modified))
            result.add("ETag", ETag.quoted(object.etag))
            if let checksum = object.checksum {
                result.add("ChecksumType", checksum.kind.rawValue)
                result.add(checksum.algorithm.element, checksum.value)
            }
        }
        var headers = Self.encryptionHeaders(object.attributes.encryption) + Self.versionHeaders(object, in: call.bucket)
        if sourceBucket.settings.versioning != .never {
            headers.append(("x-amz-copy-source-version-id", named.version ?? source.version))
        }
        return .xml(document, headers: headers)
    }

    private func directive(_ name: String, of call: S3Call) throws(Refusal) -> Bool {
        switch call.headers[name] {
        case nil, "COPY": return false
        case "REPLACE": return true
        case .some(let value):
            throw .invalidArgument("Unknown directive.", name: name, value: value)
        }
    }

    /// Tags travel only for those who may read them.
    private func requireTags(of source: StoredObject, in bucket: SandboxBucket, copied: Bool, call: S3Call) throws(Refusal) {
        guard copied, !source.attributes.tags.isEmpty else { return }
        let action =
            call.headers["x-amz-copy-source"]?.contains("?versionId=") == true
            ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging"
        try require(action, on: source.key, of: bucket, by: call)
    }

    private func refuseCopyOntoItself(
        _ source: StoredObject, _ draft: Creation, call: S3Call, replacesMetadata: Bool
    ) throws(Refusal) {
        guard source.bucket == call.bucket.name, source.key == call.key, !replacesMetadata,
            source.attributes.encryption == draft.attributes.encryption,
            source.attributes.storageClass == draft.attributes.storageClass,
            store.current(source.bucket, source.key)?.version == source.version
        else { return }
        throw .invalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                + "metadata, storage class, website redirect location or encryption attributes.")
    }

    /// The source's own travels along, unless another is asked for; a composite one cannot, since the copy has no parts.
    private func checksum(ofCopyOf source: StoredObject, headers: RequestHeaders) async throws -> ObjectChecksum {
        let asked = try Self.algorithm(headers["x-amz-checksum-algorithm"])
        if let own = source.checksum, own.kind == .fullObject, asked == nil || asked == own.algorithm { return own }
        let algorithm = asked ?? source.checksum?.algorithm ?? .crc64nvme
        let value = try await store.lend(source.body) { try await store.checksum(of: source.body, by: algorithm) }
        return ObjectChecksum(algorithm: algorithm, kind: .fullObject, value: Base64.text(of: value))
    }

    static func algorithm(_ name: String?) throws(Refusal) -> ChecksumAlgorithm? {
        guard let name else { return nil }
        guard let algorithm = ChecksumAlgorithm(rawValue: name) else {
            throw .invalidRequest(
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                    + "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
        }
        return algorithm
    }
}
