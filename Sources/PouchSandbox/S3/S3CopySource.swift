import PouchKit

/// The source of a copy: `bucket/key?versionId=…`, percent-encoded.
struct CopySource: Sendable {
    let bucket: String
    let key: ObjectKey
    let version: String?

    /// - Throws: `Refusal` `InvalidArgument` for what is none, `NotImplemented` for access points.
    init(_ text: String) throws(Refusal) {
        let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if halves.count > 1 {
            guard halves[1].hasPrefix("versionId=") else {
                throw .invalidArgument("Unsupported copy source parameter.", name: "x-amz-copy-source", value: text)
            }
            version = PercentEncoding.decodedText(halves[1].dropFirst("versionId=".count).utf8)
        } else {
            version = nil
        }
        let path = PercentEncoding.decoded(halves[0].utf8)
        if path.starts(with: "arn:".utf8) { throw .notImplemented("x-amz-copy-source") }
        let trimmed = path.first == UInt8(ascii: "/") ? path.dropFirst() : path[...]
        guard let slash = trimmed.firstIndex(of: UInt8(ascii: "/")), slash > trimmed.startIndex,
            trimmed.index(after: slash) < trimmed.endIndex
        else { throw .invalidArgument("Invalid copy source object key", name: "x-amz-copy-source", value: text) }
        bucket = String(decoding: trimmed[..<slash], as: UTF8.self)
        key = ObjectKey(bytes: Array(trimmed[trimmed.index(after: slash)...]))
    }
}

extension S3Service {
    /// The object that is to be copied, once everything about it is permitted.
    ///
    /// Needs `s3:GetObject`, or `s3:GetObjectVersion` for a version that is named, and `kms:Decrypt` in the source's own
    /// context.
    func source(of call: S3Call) throws(Refusal) -> (object: StoredObject, bucket: SandboxBucket, source: CopySource) {
        guard let text = call.headers["x-amz-copy-source"] else { throw .invalidRequest("Missing x-amz-copy-source") }
        let source = try CopySource(text)
        call.notes.note {
            $0.source = source.bucket + "/" + source.key.text + (source.version.map { "?versionId=" + $0 } ?? "")
            $0.sourceExpectedOwner = call.headers["x-amz-source-expected-bucket-owner"]
        }
        guard let bucket = buckets[source.bucket] else { throw .noSuchBucket(source.bucket) }
        try checkExpectedOwner(call.headers["x-amz-source-expected-bucket-owner"], of: bucket)
        let object = try existing(source.key, version: source.version, in: bucket, by: call)
        try requireReading(
            source.version == nil ? "s3:GetObject" : "s3:GetObjectVersion", of: object, in: bucket, by: call)
        try requireKey("kms:Decrypt", for: object.attributes.encryption, of: object.key, in: bucket, by: call)
        try ReadCondition(call.headers, isCopySource: true).check(object)
        return (object, bucket, source)
    }

    /// The version that is asked for, or the current one; whoever may not list is not told that there is none.
    func existing(
        _ key: ObjectKey, version: String?, in bucket: SandboxBucket, by call: S3Call
    ) throws(Refusal) -> StoredObject {
        let found: StoredObject?
        if let version {
            guard version == "null" || version.utf8.count == 32 else {
                throw .invalidArgument("Invalid version id specified", name: "versionId", value: version)
            }
            found = store.versions(bucket.name, key).first { $0.version == version }
        } else {
            found = store.current(bucket.name, key)
        }
        if let found, !found.isDeleteMarker { return found }
        if found == nil || version == nil {
            let action = version == nil ? "s3:GetObject" : "s3:GetObjectVersion"
            try require(action, on: key, of: bucket, by: call)
            guard verdict("s3:ListBucket", on: nil, of: bucket, by: call).isAllowed else { throw .accessDenied() }
        }
        let markerHeaders: [(name: String, value: String)] =
            found.map {
                [("x-amz-delete-marker", "true"), ("x-amz-version-id", $0.version)]
            } ?? []
        if let version {
            guard found == nil else {
                throw Refusal(
                    "MethodNotAllowed", 405, "The specified method is not allowed against this resource.",
                    headers: markerHeaders)
            }
            throw Refusal(
                "NoSuchVersion", 404, "The specified version does not exist.",
                details: [("Key", key.text), ("VersionId", version)])
        }
        var refusal = Refusal.noSuchKey(key.text)
        refusal.headers = markerHeaders
        throw refusal
    }
}
