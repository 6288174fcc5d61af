import PouchHTTP
package import PouchKit

/// One page of a bucket's keys, in the order of their bytes.
package struct ObjectPage: Sendable {
    package struct Entry: Hashable, Sendable {
        package let key: String
        package let modified: Timestamp
        /// With its quotes, as other answers give it.
        package let etag: String
        package let size: Int64
    }

    package let entries: [Entry]
    /// For the next page; `nil` after the last one.
    package let continuation: String?
}

extension S3 {
    /// - Parameters:
    ///   - startAfter: Only keys that come after it; without effect together with a continuation.
    package func listObjects(
        in bucket: BucketPlace,
        prefix: String,
        startAfter: String? = nil,
        continuation: String? = nil
    ) async throws(AWSFailure) -> ObjectPage {
        var call = call("ListObjectsV2", method: "GET", in: bucket)
        // Encoded by the service: XML cannot carry every character that a key can have.
        call.query = [QueryItem("list-type", "2"), QueryItem("encoding-type", "url"), QueryItem("prefix", prefix)]
        if let startAfter { call.query.append(QueryItem("start-after", startAfter)) }
        if let continuation { call.query.append(QueryItem("continuation-token", continuation)) }
        call.answer = .xml(root: "ListBucketResult")
        let answer = try await client.send(call)
        guard let document = answer.document else { throw answer.unreadable(of: call, reason: "the answer is no list") }
        var entries: [ObjectPage.Entry] = []
        for item in document.all("Contents") {
            guard let encoded = item.value("Key"), let key = Self.decoded(encoded),
                let modified = item.value("LastModified").flatMap(WireDate.iso8601), let etag = item.value("ETag"),
                let size = item.value("Size").flatMap(Int64.init)
            else { throw answer.unreadable(of: call, reason: "an entry of the list cannot be read") }
            entries.append(ObjectPage.Entry(key: key, modified: modified, etag: etag, size: size))
        }
        let goesOn = document.value("IsTruncated") == "true"
        return ObjectPage(entries: entries, continuation: goesOn ? document.value("NextContinuationToken") : nil)
    }

    /// `encoding-type=url` writes a space as `+`.
    private static func decoded(_ text: String) -> String? {
        PercentEncoding.decoded(text.replacing("+", with: " ")).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
