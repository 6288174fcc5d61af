import PouchHTTP
package import PouchKit

/// What is copied: exactly this version, if it still is what it was.
package struct CopySource: Hashable, Sendable {
    package var bucket: BucketName
    package var owner: AccountID?
    package var key: String
    package var versionID: String?
    package var etag: String

    package init(bucket: BucketName, owner: AccountID?, key: String, versionID: String?, etag: String) {
        self.bucket = bucket
        self.owner = owner
        self.key = key
        self.versionID = versionID
        self.etag = etag
    }

    var headers: [(name: String, value: String)] {
        var source = bucket.copySource(key)
        if let versionID { source += "?versionId=" + PercentEncoding.encoded(versionID) }
        var headers = [(name: "x-amz-copy-source", value: source), (name: "x-amz-copy-source-if-match", value: etag)]
        if let owner { headers.append(("x-amz-source-expected-bucket-owner", owner.description)) }
        return headers
    }
}

/// Copies one object of at most 5 GiB, within S3.
package struct CopyObject: Sendable {
    package var source: CopySource
    package var bucket: BucketPlace
    package var key: String
    /// Nothing is taken over from the source: what the copy is to have stands here.
    package var attributes: ObjectAttributes

    package init(source: CopySource, bucket: BucketPlace, key: String, attributes: ObjectAttributes) {
        self.source = source
        self.bucket = bucket
        self.key = key
        self.attributes = attributes
    }

    package struct Answer: Sendable {
        package let etag: String
        package let versionID: String?
        package let sourceVersionID: String?
        package let encryption: EncryptionReport
        /// `nil` when the service did not say.
        package let checksum: CRC64NVME?
        package let ids: RequestIDs
        package let requests: Int
        package let region: Region
    }
}

extension S3 {
    /// Does not repeat itself when the outcome is unknown: the failure says so, and the caller asks first.
    package func copyObject(_ copy: CopyObject) async throws(AWSFailure) -> CopyObject.Answer {
        var call = call("CopyObject", method: "PUT", in: copy.bucket, key: copy.key)
        call.headers += copy.source.headers
        call.headers += copy.attributes.headers
        // COPY would need rights to read tags, and would carry over what nobody here decided.
        call.headers.append(("x-amz-metadata-directive", "REPLACE"))
        call.headers.append(("x-amz-tagging-directive", "REPLACE"))
        call.answer = .xml(root: "CopyObjectResult")
        call.repeatability = .onlyIfNotSent
        // S3 copies 5 GiB to another region in minutes, and cancels a copy whose client went away.
        call.timeouts = HTTPTimeouts(answer: .seconds(900), stall: .seconds(300))
        let answer = try await client.send(call)
        guard let etag = answer.document?.value("ETag") else {
            throw answer.unreadable(of: call, reason: "the answer has no ETag")
        }
        return CopyObject.Answer(
            etag: etag,
            versionID: answer.headers["x-amz-version-id"],
            sourceVersionID: answer.headers["x-amz-copy-source-version-id"],
            encryption: EncryptionReport(answer),
            checksum: answer.document?.value("ChecksumCRC64NVME").flatMap(CRC64NVME.init(base64:)),
            ids: answer.ids,
            requests: answer.requests,
            region: answer.region
        )
    }
}
