/// The operations of S3 that the sandbox knows.
package enum S3Operation: String, Sendable, Codable {
    case listBuckets = "ListBuckets"
    case headBucket = "HeadBucket"
    case getBucketLocation = "GetBucketLocation"
    case getBucketVersioning = "GetBucketVersioning"
    case listObjects = "ListObjectsV2"
    case listObjectVersions = "ListObjectVersions"
    case listMultipartUploads = "ListMultipartUploads"
    case putObject = "PutObject"
    case copyObject = "CopyObject"
    case getObject = "GetObject"
    case headObject = "HeadObject"
    case deleteObject = "DeleteObject"
    case createMultipartUpload = "CreateMultipartUpload"
    case uploadPart = "UploadPart"
    case uploadPartCopy = "UploadPartCopy"
    case completeMultipartUpload = "CompleteMultipartUpload"
    case abortMultipartUpload = "AbortMultipartUpload"
    case listParts = "ListParts"

    /// Parameters that turn a request into another operation. Those that are not served must not be overlooked: a
    /// `PUT ?acl` is not a PutObject.
    private static let subresources: Set<String> = [
        "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
        "legal-hold", "lifecycle", "location", "logging", "metadataTable", "metrics", "notification", "object-lock",
        "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock", "renameObject", "replication",
        "requestPayment", "restore", "retention", "select", "select-type", "session", "tagging", "torrent", "uploadId",
        "uploads", "versioning", "versions", "website",
    ]

    /// - Throws: `Refusal` `NotImplemented` for what AWS has and the sandbox has not, `MethodNotAllowed` for the rest.
    package static func of(_ request: IncomingRequest, target: S3Target) throws(Refusal) -> S3Operation {
        let asked = Self.subresources.intersection(request.query.names)
        let isCopy = request.headers.contains("x-amz-copy-source")
        switch (target.bucket != nil, target.key != nil) {
        case (false, _):
            guard request.method == "GET", asked.isEmpty else { throw notAllowed(request) }
            return .listBuckets
        case (true, false): return try ofBucket(request, asked)
        case (true, true): return try ofObject(request, asked, isCopy: isCopy)
        }
    }

    private static func ofBucket(_ request: IncomingRequest, _ asked: Set<String>) throws(Refusal) -> S3Operation {
        switch (request.method, asked) {
        case ("HEAD", []): return .headBucket
        case ("GET", ["location"]): return .getBucketLocation
        case ("GET", ["versioning"]): return .getBucketVersioning
        case ("GET", ["versions"]): return .listObjectVersions
        case ("GET", ["uploads"]): return .listMultipartUploads
        case ("GET", []):
            guard request.query["list-type"] == "2" else { throw .notImplemented() }
            return .listObjects
        case ("PUT", _), ("DELETE", _), ("GET", _), ("POST", _): throw .notImplemented()
        default: throw notAllowed(request)
        }
    }

    private static func ofObject(
        _ request: IncomingRequest, _ asked: Set<String>, isCopy: Bool
    ) throws(Refusal) -> S3Operation {
        switch (request.method, asked) {
        case ("PUT", []): return isCopy ? .copyObject : .putObject
        case ("PUT", ["partNumber", "uploadId"]): return isCopy ? .uploadPartCopy : .uploadPart
        case ("GET", []): return .getObject
        case ("HEAD", []): return .headObject
        case ("DELETE", []): return .deleteObject
        case ("POST", ["uploads"]): return .createMultipartUpload
        case ("POST", ["uploadId"]): return .completeMultipartUpload
        case ("DELETE", ["uploadId"]): return .abortMultipartUpload
        case ("GET", ["uploadId"]): return .listParts
        case ("PUT", _), ("GET", _), ("HEAD", _), ("DELETE", _): throw .notImplemented()
        case ("POST", _) where !asked.isEmpty: throw .notImplemented()
        default: throw notAllowed(request)
        }
    }

    private static func notAllowed(_ request: IncomingRequest) -> Refusal {
        Refusal(
            "MethodNotAllowed", 405, "The specified method is not allowed against this resource.",
            details: [("Method", request.method)])
    }
}
