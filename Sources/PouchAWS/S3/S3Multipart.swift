import PouchHTTP
import PouchKit

/// The calls that make one object of many parts.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>
extension S3 {
    /// What S3 works on for minutes: it copies at its own pace, and sends white space while it puts parts together.
    private static let patient = HTTPTimeouts(answer: .seconds(900), stall: .seconds(300))

    /// A lost answer leaves an upload that nobody knows; it expires by the lifecycle rule for incomplete uploads.
    package func createMultipartUpload(
        _ create: CreateMultipartUpload
    ) async throws(AWSFailure) -> CreateMultipartUpload.Answer {
        var call = call("CreateMultipartUpload", method: "POST", in: create.bucket, key: create.key)
        call.query = [QueryItem("uploads")]
        var attributes = create.attributes
        // S3 knows the condition only when it completes the upload.
        attributes.isCreateOnly = false
        call.headers += attributes.headers
        call.headers.append(("x-amz-checksum-algorithm", "CRC64NVME"))
        call.headers.append(("x-amz-checksum-type", "FULL_OBJECT"))
        call.answer = .xml(root: "InitiateMultipartUploadResult")
        let answer = try await client.send(call)
        guard let id = answer.document?.value("UploadId") else {
            throw answer.unreadable(of: call, reason: "the answer has no upload id")
        }
        return CreateMultipartUpload.Answer(
            upload: MultipartUpload(bucket: create.bucket, key: create.key, id: id), encryption: EncryptionReport(answer),
            ids: answer.ids, requests: answer.requests)
    }

    /// Repeats itself when the outcome is unknown: the part is replaced.
    package func uploadPart(
        _ part: UploadPart,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(AWSFailure) -> PartAnswer {
        var call = call("UploadPart", method: "PUT", of: part.upload, query: [QueryItem("partNumber", "\(part.number)")])
        call.headers.append(("x-amz-checksum-crc64nvme", part.digests.crc64nvme.base64))
        call.body = part.body
        call.bodyDigest = part.digests.sha256
        call.budget = part.budget
        let answer = try await client.send(call, progress: progress)
        let checksum = answer.headers["x-amz-checksum-crc64nvme"].flatMap(CRC64NVME.init(base64:))
        return PartAnswer(
            part: UploadedPart(
                number: part.number, etag: try answer.demandETag(of: call), checksum: checksum, size: part.body.count),
            sourceVersionID: nil, ids: answer.ids, requests: answer.requests)
    }

    /// Repeats itself when the outcome is unknown: the part is replaced.
    package func uploadPartCopy(_ copy: UploadPartCopy) async throws(AWSFailure) -> PartAnswer {
        var call = call("UploadPartCopy", method: "PUT", of: copy.upload, query: [QueryItem("partNumber", "\(copy.number)")])
        call.headers += copy.source.headers
        if let range = copy.range {
            call.headers.append(("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        }
        call.answer = .xml(root: "CopyPartResult")
        call.timeouts = Self.patient
        let answer = try await client.send(call)
        guard let etag = answer.document?.value("ETag") else {
            throw answer.unreadable(of: call, reason: "the answer has no ETag")
        }
        let checksum = answer.document?.value("ChecksumCRC64NVME").flatMap(CRC64NVME.init(base64:))
        return PartAnswer(
            part: UploadedPart(
                number: copy.number, etag: etag, checksum: checksum, size: copy.range.map { $0.upperBound - $0.lowerBound }),
            sourceVersionID: answer.headers["x-amz-copy-source-version-id"], ids: answer.ids, requests: answer.requests)
    }

    /// Does not repeat itself when the outcome is unknown, nor after a conflict, for which S3 wants a new upload: `listParts` tells
    /// whether it took effect.
    package func completeMultipartUpload(
        _ complete: CompleteMultipartUpload
    ) async throws(AWSFailure) -> CompleteMultipartUpload.Answer {
        var call = call("CompleteMultipartUpload", method: "POST", of: complete.upload)
        call.headers += [
            // libcurl's own choice for a POST would be a form.
            ("content-type", "application/xml"), ("x-amz-checksum-crc64nvme", complete.checksum.base64),
            ("x-amz-checksum-type", "FULL_OBJECT"), ("x-amz-mp-object-size", "\(complete.size)"),
        ]
        if complete.isCreateOnly { call.headers.append(("if-none-match", "*")) }
        call.body = .bytes(complete.document)
        call.answer = .xml(root: "CompleteMultipartUploadResult")
        call.repeatability = .onlyIfNotSent
        call.finalRefusals = ["ConditionalRequestConflict"]
        call.timeouts = Self.patient
        let answer = try await client.send(call)
        guard let document = answer.document, let etag = document.value("ETag") else {
            throw answer.unreadable(of: call, reason: "the answer has no ETag")
        }
        return CompleteMultipartUpload.Answer(
            etag: etag, versionID: answer.headers["x-amz-version-id"], encryption: EncryptionReport(answer),
            checksum: document.value("ChecksumCRC64NVME").flatMap(CRC64NVME.init(base64:)), ids: answer.ids,
            requests: answer.requests, region: answer.region)
    }

    /// Gives the upload up, with its parts. One that is not there any more is no failure.
    ///
    /// - Returns: whether it was there, and so was not completed. (False after an answer to a first try was lost, too.)
    @discardableResult
    package func abortMultipartUpload(_ upload: MultipartUpload) async throws(AWSFailure) -> Bool {
        var call = call("AbortMultipartUpload", method: "DELETE", of: upload)
        call.timeouts = .question
        do throws(AWSFailure) {
            _ = try await client.send(call)
            return true
        } catch  where error.code == "NoSuchUpload" {
            return false
        }
    }

    /// All parts that lie in the upload.
    ///
    /// - Throws: `AWSFailure`, with `NoSuchUpload` when it was completed or aborted.
    package func listParts(of upload: MultipartUpload) async throws(AWSFailure) -> [UploadedPart] {
        var parts: [UploadedPart] = []
        var marker: Int?
        repeat {
            var call = call("ListParts", method: "GET", of: upload)
            if let marker { call.query.append(QueryItem("part-number-marker", "\(marker)")) }
            call.answer = .xml(root: "ListPartsResult")
            call.timeouts = .question
            let answer = try await client.send(call)
            guard let document = answer.document else { throw answer.unreadable(of: call, reason: "the answer is empty") }
            for element in document.all("Part") {
                guard let number = element.value("PartNumber").flatMap({ Int($0) }), let etag = element.value("ETag") else {
                    throw answer.unreadable(of: call, reason: "a part has no number or no ETag")
                }
                parts.append(
                    UploadedPart(
                        number: number, etag: etag,
                        checksum: element.value("ChecksumCRC64NVME").flatMap(CRC64NVME.init(base64:)),
                        size: element.value("Size").flatMap { Int64($0) },
                        modified: element.value("LastModified").flatMap(WireDate.iso8601)))
            }
            let next = document.value("IsTruncated") == "true" ? document.value("NextPartNumberMarker").flatMap { Int($0) } : nil
            // A marker that does not move on would go round for ever.
            marker = next.flatMap { $0 > (marker ?? 0) ? $0 : nil }
        } while marker != nil
        return parts
    }

    /// The uploads for exactly this key that nobody ended.
    package func openUploads(in bucket: BucketPlace, key: String) async throws(AWSFailure) -> [ListedUpload] {
        var call = call("ListMultipartUploads", method: "GET", in: bucket)
        // Keys come in order: those of this very key come first, and a thousand of them fit on the page.
        call.query = [QueryItem("uploads"), QueryItem("prefix", key)]
        call.answer = .xml(root: "ListMultipartUploadsResult")
        call.timeouts = .question
        let answer = try await client.send(call)
        return (answer.document?.all("Upload") ?? []).compactMap { element in
            guard let id = element.value("UploadId"), element.value("Key").map({ $0.utf8.elementsEqual(key.utf8) }) == true else {
                return nil
            }
            return ListedUpload(upload: MultipartUpload(bucket: bucket, key: key, id: id))
        }
    }

    private func call(
        _ operation: String,
        method: String,
        of upload: MultipartUpload,
        query: [QueryItem] = []
    ) -> AWSCall {
        var call = call(operation, method: method, in: upload.bucket, key: upload.key)
        call.query = query + [QueryItem("uploadId", upload.id)]
        return call
    }
}
