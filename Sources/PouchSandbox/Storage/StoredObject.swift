package import PouchKit

/// A run of bytes in one of the store's files. Files are never changed once written, so a copy, or a part of a multipart
/// upload, is nothing but such runs again.
package struct Extent: Sendable, Codable, Hashable {
    package let file: String
    package let offset: Int64
    package let length: Int64
    package let crc64nvme: CRC64NVME

    package init(file: String, offset: Int64, length: Int64, crc64nvme: CRC64NVME) {
        self.file = file
        self.offset = offset
        self.length = length
        self.crc64nvme = crc64nvme
    }
}

/// The bytes of an object.
package struct StoredBody: Sendable, Codable, Hashable {
    package let extents: [Extent]

    package init(extents: [Extent]) { self.extents = extents }

    package var size: Int64 { extents.reduce(0) { $0 + $1.length } }
}

/// How an object is encrypted.
package enum ObjectEncryption: Sendable, Codable, Hashable {
    case none
    case aes256
    /// - Parameter context: The client's own, without what S3 adds.
    case kms(key: String, bucketKey: Bool, context: [String: String])

    package var keyARN: String? {
        guard case .kms(let key, _, _) = self else { return nil }
        return key
    }
}

/// A checksum that S3 keeps with an object.
package struct ObjectChecksum: Sendable, Codable, Hashable {
    package enum Kind: String, Sendable, Codable { case fullObject = "FULL_OBJECT", composite = "COMPOSITE" }

    package let algorithm: ChecksumAlgorithm
    package let kind: Kind
    /// Base64; `-<parts>` follows for a composite one.
    package let value: String

    package init(algorithm: ChecksumAlgorithm, kind: Kind, value: String) {
        self.algorithm = algorithm
        self.kind = kind
        self.value = value
    }
}

/// What a client says about an object besides its bytes.
package struct ObjectAttributes: Sendable, Codable, Hashable {
    /// `content-type`, `cache-control`, …
    package var systemHeaders: [String: String] = [:]
    /// Names in lower case, without `x-amz-meta-`.
    package var metadata: [String: String] = [:]
    package var tags: [String: String] = [:]
    package var storageClass = "STANDARD"
    package var acl: String?
    package var encryption = ObjectEncryption.none

    package init() {}
}

/// One version of an object, or a delete marker.
package struct StoredObject: Sendable, Codable, Hashable {
    package let bucket: String
    package let key: ObjectKey
    /// `null` where the bucket keeps no versions.
    package let version: String
    package let isDeleteMarker: Bool
    package let body: StoredBody
    package let size: Int64
    /// Without quotes.
    package let etag: String
    package let modified: Timestamp
    /// Account id.
    package let owner: String
    /// Who wrote it, for the judge.
    package let writer: String
    package let attributes: ObjectAttributes
    package let checksum: ObjectChecksum?

    package init(
        bucket: String,
        key: ObjectKey,
        version: String,
        isDeleteMarker: Bool = false,
        body: StoredBody,
        etag: String,
        modified: Timestamp,
        owner: String,
        writer: String,
        attributes: ObjectAttributes,
        checksum: ObjectChecksum?
    ) {
        self.bucket = bucket
        self.key = key
        self.version = version
        self.isDeleteMarker = isDeleteMarker
        self.body = body
        size = body.size
        self.etag = etag
        self.modified = modified
        self.owner = owner
        self.writer = writer
        self.attributes = attributes
        self.checksum = checksum
    }
}

/// A multipart upload that was begun.
package struct StoredUpload: Sendable, Codable {
    package struct Part: Sendable, Codable {
        package let number: Int
        package let body: StoredBody
        package let etag: String
        package let modified: Timestamp
        /// Base64, by the upload's algorithm.
        package let checksum: String?
    }

    package let id: String
    package let bucket: String
    package let key: ObjectKey
    package let begun: Timestamp
    package let owner: String
    package let initiator: String
    package let attributes: ObjectAttributes
    package let checksum: ObjectChecksum.Kind
    package let algorithm: ChecksumAlgorithm
    /// Whether the client asked for the algorithm; if not, S3 keeps CRC64NVME for itself and asks for no checksums of parts.
    package let isAlgorithmChosen: Bool
    package var parts: [Int: Part] = [:]
}
