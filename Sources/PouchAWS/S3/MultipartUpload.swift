package import PouchHTTP
package import PouchKit

/// An upload that was begun, and not yet completed or aborted: where its object will lie, and the id that gathers its parts.
package struct MultipartUpload: Hashable, Sendable {
    package var bucket: BucketPlace
    package var key: String
    package var id: String

    package init(bucket: BucketPlace, key: String, id: String) {
        self.bucket = bucket
        self.key = key
        self.id = id
    }
}

/// Begins an upload. What the object is to have is given here; that the key must be free is checked at the end.
package struct CreateMultipartUpload: Sendable {
    package var bucket: BucketPlace
    package var key: String
    package var attributes: ObjectAttributes

    package init(bucket: BucketPlace, key: String, attributes: ObjectAttributes) {
        self.bucket = bucket
        self.key = key
        self.attributes = attributes
    }

    package struct Answer: Sendable {
        package let upload: MultipartUpload
        package let encryption: EncryptionReport
        package let ids: RequestIDs
        package let requests: Int
    }
}

/// A part that lies in an upload.
package struct UploadedPart: Hashable, Sendable {
    package let number: Int
    package let etag: String
    /// `nil` when the service did not say.
    package let checksum: CRC64NVME?
    /// `nil` when the answer does not carry it.
    package let size: Int64?
    /// When it came to lie there; `nil` when the answer does not carry it.
    package let modified: Timestamp?

    package init(number: Int, etag: String, checksum: CRC64NVME?, size: Int64? = nil, modified: Timestamp? = nil) {
        self.number = number
        self.etag = etag
        self.checksum = checksum
        self.size = size
        self.modified = modified
    }
}

/// Stores one part. Under SSE-KMS it takes `kms:Decrypt`, which creating takes not.
package struct UploadPart: Sendable {
    package var upload: MultipartUpload
    package var number: Int
    package var body: HTTPBody
    package var digests: PartDigests
    package var budget: TransferBudget?

    package init(upload: MultipartUpload, number: Int, body: HTTPBody, digests: PartDigests) {
        self.upload = upload
        self.number = number
        self.body = body
        self.digests = digests
    }
}

/// Copies an object, or a range of one, into an upload.
package struct UploadPartCopy: Sendable {
    package var upload: MultipartUpload
    package var number: Int
    package var source: CopySource
    /// `nil`: all of it. S3 takes ranges only of objects above 5 MiB.
    package var range: Range<Int64>?

    package init(upload: MultipartUpload, number: Int, source: CopySource, range: Range<Int64>? = nil) {
        self.upload = upload
        self.number = number
        self.source = source
        self.range = range
    }
}

/// What a part was answered with.
package struct PartAnswer: Sendable {
    package let part: UploadedPart
    /// Of a copy; `nil` where the source's bucket has no versions.
    package let sourceVersionID: String?
    package let ids: RequestIDs
    package let requests: Int
}

/// Makes one object of an upload's parts.
package struct CompleteMultipartUpload: Sendable {
    package var upload: MultipartUpload
    /// In ascending order.
    package var parts: [UploadedPart]
    /// Of the whole object: S3 refuses parts that give another.
    package var checksum: CRC64NVME
    package var size: Int64
    /// The object must not exist yet.
    package var isCreateOnly = false

    package init(upload: MultipartUpload, parts: [UploadedPart], checksum: CRC64NVME, size: Int64) {
        self.upload = upload
        self.parts = parts
        self.checksum = checksum
        self.size = size
    }

    package struct Answer: Sendable {
        package let etag: String
        package let versionID: String?
        package let encryption: EncryptionReport
        /// `nil` when the service did not say.
        package let checksum: CRC64NVME?
        package let ids: RequestIDs
        package let requests: Int
        package let region: Region
    }

    var document: [UInt8] {
        var text = #"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
        for part in parts {
            let checksum = part.checksum.map { "<ChecksumCRC64NVME>\($0.base64)</ChecksumCRC64NVME>" } ?? ""
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(Self.escaped(part.etag))</ETag>\(checksum)</Part>"
        }
        return Array((text + "</CompleteMultipartUpload>").utf8)
    }

    /// An ETag is what the far end said: whatever that was, it stays text.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// An upload that a listing found.
package struct ListedUpload: Hashable, Sendable {
    package let upload: MultipartUpload
}
