import PouchHTTP
import PouchKit

/// A small object, whole: a receipt, an index.
package struct SmallObject: Sendable {
    package let bytes: [UInt8]
    package let etag: String?
    package let versionID: String?
    package let ids: RequestIDs
}

extension S3 {
    /// Fetches an object that must not be larger than an answer may be: 4 MiB.
    package func getSmallObject(
        in bucket: BucketPlace,
        key: String,
        versionID: String? = nil
    ) async throws(AWSFailure) -> SmallObject {
        var call = call("GetObject", method: "GET", in: bucket, key: key)
        call.timeouts = .question
        call.answer = .bytes
        if let versionID { call.query = [QueryItem("versionId", versionID)] }
        let answer = try await client.send(call)
        return SmallObject(
            bytes: answer.body, etag: answer.headers["etag"], versionID: answer.headers["x-amz-version-id"], ids: answer.ids)
    }
}
