import PouchKit

/// A bucket and whose it is.
package struct SandboxBucket: Sendable {
    package let account: String
    package let accountName: String
    package let settings: BucketSettings

    package var name: String { settings.name }
    package var region: String { settings.region }
    package var arn: String { settings.arn }

    package func arn(of key: ObjectKey) -> String { settings.arn + "/" + key.text }
}

/// One S3 request whose signature is believed.
struct S3Call: Sendable {
    let operation: S3Operation
    let request: IncomingRequest
    let claim: SignatureClaim
    let caller: Caller
    let secret: Secret
    let bucket: SandboxBucket
    /// Empty for operations on buckets.
    let key: ObjectKey
    let mode: PayloadMode
    let notes: RequestNotes
    let effect: FaultEffect

    var now: Timestamp { request.received }
    var headers: RequestHeaders { request.headers }
    var query: QueryParameters { request.query }

    /// What conditions can ask about this request, whatever the resource.
    var context: PolicyContext {
        var context = PolicyContext.of(request)
        caller.describe(in: &context)
        context.set("s3:authType", claim.form == .header ? "REST-HEADER" : "REST-QUERY-STRING")
        context.set("s3:signatureversion", "AWS4-HMAC-SHA256")
        context.set("s3:signatureAge", "\(claim.time.duration(to: now).components.seconds * 1_000)")
        context.set("s3:TlsVersion", request.isSecure ? "1.3" : nil)
        for name in Self.conditionHeaders { context.set("s3:\(name)", headers[name]) }
        return context
    }

    private static let conditionHeaders = [
        "x-amz-acl", "x-amz-content-sha256", "x-amz-copy-source", "x-amz-grant-full-control", "x-amz-grant-read",
        "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp", "x-amz-metadata-directive",
        "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-storage-class", "if-match",
        "if-none-match",
    ]
}

extension PolicyContext {
    /// The keys of the global condition context that are about the request.
    static func of(_ request: IncomingRequest) -> PolicyContext {
        var context = PolicyContext()
        context.set("aws:SecureTransport", request.isSecure)
        context.set("aws:SourceIp", "127.0.0.1")
        context.set("aws:CurrentTime", WireTime.iso8601Seconds(request.received))
        context.set("aws:EpochTime", "\(request.received.seconds)")
        context.set("aws:UserAgent", request.headers["user-agent"])
        context.set("aws:ViaAWSService", false)
        return context
    }
}
