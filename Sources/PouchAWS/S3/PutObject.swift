package import PouchHTTP
package import PouchKit

/// Stores one object in one request.
package struct PutObject: Sendable {
    package var bucket: BucketPlace
    package var key: String
    package var body: HTTPBody
    /// Of the body. The SHA-256 is needed over plain http only.
    package var digests: PartDigests
    package var attributes: ObjectAttributes
    /// Whose rate the body keeps to; `nil`: as fast as it goes.
    package var budget: TransferBudget?

    package init(bucket: BucketPlace, key: String, body: HTTPBody, digests: PartDigests, attributes: ObjectAttributes) {
        self.bucket = bucket
        self.key = key
        self.body = body
        self.digests = digests
        self.attributes = attributes
    }

    package struct Answer: Sendable {
        package let etag: String
        /// `nil` in a bucket without versions.
        package let versionID: String?
        package let encryption: EncryptionReport
        /// `nil` when the service does not know this checksum.
        package let checksum: CRC64NVME?
        package let ids: RequestIDs
        package let requests: Int
        package let region: Region
    }
}

extension S3 {
    /// Repeats itself when the outcome is unknown: for a key of our own.
    package func putObject(
        _ put: PutObject,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(AWSFailure) -> PutObject.Answer {
        var call = call("PutObject", method: "PUT", in: put.bucket, key: put.key)
        call.headers += put.attributes.headers
        call.headers.append(("x-amz-checksum-crc64nvme", put.digests.crc64nvme.base64))
        call.body = put.body
        call.bodyDigest = put.digests.sha256
        call.budget = put.budget
        let answer = try await client.send(call, progress: progress)
        return PutObject.Answer(
            etag: try answer.demandETag(of: call),
            versionID: answer.headers["x-amz-version-id"],
            encryption: EncryptionReport(answer),
            checksum: answer.headers["x-amz-checksum-crc64nvme"].flatMap(CRC64NVME.init(base64:)),
            ids: answer.ids,
            requests: answer.requests,
            region: answer.region
        )
    }
}

extension AWSAnswer {
    /// - Throws: `AWSFailure` with an unknown outcome: a success without an ETag is none.
    func demandETag(of call: AWSCall) throws(AWSFailure) -> String {
        if let etag = headers["etag"] ?? document?.value("ETag"), !etag.isEmpty { return etag }
        throw unreadable(of: call, reason: "the answer has no ETag")
    }

    func unreadable(of call: AWSCall, reason: String) -> AWSFailure {
        var failure = AWSFailure(
            operation: call.operation, origin: .unreadable(status: status), code: "UnreadableAnswer", message: reason)
        failure.ids = ids
        failure.isOutcomeUnknown = true
        failure.requests = requests
        return failure
    }
}
