import PouchKit

extension S3Service {
    /// Without a version a marker is put on top; with one, that version is gone for good.
    func deleteObject(_ call: S3Call) throws(Refusal) -> Reply {
        try Self.check(call.key)
        let version = call.query["versionId"]
        try require(
            version == nil ? "s3:DeleteObject" : "s3:DeleteObjectVersion", on: call.key, of: call.bucket, by: call)
        let bucket = call.bucket.name
        guard version == nil, call.bucket.settings.versioning != .never else {
            let wanted = version ?? "null"
            let wasMarker = try store.change { index throws(Refusal) in
                let found = index.versions(bucket, call.key).first { $0.version == wanted }
                return (
                    changes: found == nil ? [] : [.remove(bucket: bucket, key: call.key, version: wanted)],
                    answer: found?.isDeleteMarker ?? false
                )
            }
            var headers: [(name: String, value: String)] = version.map { [("x-amz-version-id", $0)] } ?? []
            if wasMarker { headers.append(("x-amz-delete-marker", "true")) }
            return Reply(204, headers: headers)
        }
        let marker = StoredObject(
            bucket: bucket, key: call.key, version: Self.newVersion(in: call.bucket), isDeleteMarker: true,
            body: StoredBody(extents: []), etag: "", modified: call.now, owner: call.bucket.account, writer: call.caller.arn,
            attributes: ObjectAttributes(), checksum: nil)
        try store.change { _ throws(Refusal) in (changes: [.put(marker)], answer: ()) }
        return Reply(204, headers: [("x-amz-delete-marker", "true"), ("x-amz-version-id", marker.version)])
    }
}
