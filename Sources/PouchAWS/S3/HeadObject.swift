import PouchHTTP
import PouchKit

/// What an object is, without its bytes. It needs no right to decrypt, unless checksums are asked for.
package struct ObjectReport: Sendable {
    package let etag: String?
    package let size: Int64?
    package let versionID: String?
    package let encryption: EncryptionReport
    /// Names without `x-amz-meta-`, in lower case.
    package let metadata: [String: String]
    package let ids: RequestIDs
    package let requests: Int
}

extension S3 {
    /// - Parameter wantsChecksum: S3 opens the object's key for it, in the caller's name: it takes `kms:Decrypt`.
    package func headObject(
        in bucket: BucketPlace,
        key: String,
        versionID: String? = nil,
        wantsChecksum: Bool = false
    ) async throws(AWSFailure) -> ObjectReport {
        var call = call("HeadObject", method: "HEAD", in: bucket, key: key)
        call.timeouts = .question
        if let versionID { call.query = [QueryItem("versionId", versionID)] }
        if wantsChecksum { call.headers.append(("x-amz-checksum-mode", "ENABLED")) }
        let answer = try await client.send(call)
        let prefix = "x-amz-meta-"
        var metadata: [String: String] = [:]
        for field in answer.headers.fields where field.name.lowercased().hasPrefix(prefix) {
            metadata[String(field.name.lowercased().dropFirst(prefix.count))] = field.value
        }
        return ObjectReport(
            etag: answer.headers["etag"],
            size: answer.headers["content-length"].flatMap(Int64.init),
            versionID: answer.headers["x-amz-version-id"],
            encryption: EncryptionReport(answer),
            metadata: metadata,
            ids: answer.ids,
            requests: answer.requests
        )
    }

    /// The region that the bucket really is in.
    ///
    /// - Throws: `AWSFailure`; its `region` is there even where the caller may not look at the bucket.
    package func headBucket(_ bucket: BucketPlace) async throws(AWSFailure) -> Region {
        var call = call("HeadBucket", method: "HEAD", in: bucket)
        call.timeouts = .question
        let answer = try await client.send(call)
        return answer.headers["x-amz-bucket-region"].flatMap { try? Region($0) } ?? answer.region
    }
}
