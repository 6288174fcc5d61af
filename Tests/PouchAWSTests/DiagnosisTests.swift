import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("The diagnosis of a refusal")
struct DiagnosisTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let symptom: String
        let operation: String
        let status: Int
        let code: String
        var message = ""
        var condition: String?
        var region: String?
        let remedy: DeliveryFailure.Remedy
        /// Words that the hint must have.
        let says: [String]

        var testDescription: String { "\(operation): \(symptom)" }
    }

    /// Row by row what is known about refusals.
    static let rows: [Row] = [
        Row(
            symptom: "no identity-based policy", operation: "PutObject", status: 403, code: "AccessDenied",
            message:
                "User: x is not authorized to perform: kms:GenerateDataKey on resource: k because no identity-based policy allows the kms:GenerateDataKey action",
            remedy: .hold, says: ["your own organisation", "kms:GenerateDataKey", Sample.key, "role/generator"]),
        Row(
            symptom: "no resource-based policy", operation: "PutObject", status: 403, code: "AccessDenied",
            message:
                "not authorized to perform: kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            remedy: .hold,
            says: ["the key's owner", "key policy", "arn:aws:s3:::acme-inbox/k", "s3.eu-west-1.amazonaws.com", "Bucket Key"]),
        Row(
            symptom: "a part without Decrypt", operation: "UploadPart", status: 403, code: "AccessDenied",
            remedy: .hold, says: ["kms:Decrypt", "one request"]),
        Row(
            symptom: "ListParts", operation: "ListParts", status: 403, code: "AccessDenied", remedy: .hold,
            says: ["kms:Decrypt", "s3:ListMultipartUploadParts"]),
        Row(
            symptom: "Complete", operation: "CompleteMultipartUpload", status: 403, code: "AccessDenied",
            message: "not authorized to perform: kms:Decrypt", remedy: .hold, says: ["kms:Decrypt"]),
        Row(
            symptom: "the publisher lacks Decrypt on the source", operation: "CopyObject", status: 403, code: "AccessDenied",
            message:
                "not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            remedy: .hold, says: ["kms:Decrypt", "key/99992222", "arn:aws:s3:::orga-repository/acme/s"]),
        Row(
            symptom: "a copy without a reason", operation: "CopyObject", status: 403, code: "AccessDenied", remedy: .hold,
            says: ["look in this order", "acme-inbox", "222222222222", "s3:GetObjectVersion", "s3:PutObjectAcl", "Object Lock"]),
        Row(
            symptom: "a store without a reason", operation: "PutObject", status: 403, code: "AccessDenied", remedy: .hold,
            says: ["look in this order", "s3:PutObject", "kms:GenerateDataKey"]),
        Row(
            symptom: "an ACL on an enforced bucket", operation: "CopyObject", status: 400, code: "AccessControlListNotSupported",
            remedy: .hold, says: ["remove acl:"]),
        Row(
            symptom: "the key is not found", operation: "PutObject", status: 400, code: "KMS.NotFoundException",
            message: "Invalid arn eu-central-1", remedy: .hold, says: ["eu-west-1", "alias", "full ARN"]),
        Row(
            symptom: "disabled", operation: "PutObject", status: 400, code: "KMS.DisabledException", remedy: .hold,
            says: ["enable it"]),
        Row(
            symptom: "pending deletion", operation: "PutObject", status: 400, code: "KMS.KMSInvalidStateException", remedy: .hold,
            says: ["deletion", "import"]),
        Row(
            symptom: "asymmetric", operation: "PutObject", status: 400, code: "KMS.InvalidKeyUsageException", remedy: .hold,
            says: ["symmetric"]),
        Row(symptom: "no TLS", operation: "PutObject", status: 400, code: "InvalidArgument", remedy: .hold, says: ["https"]),
        Row(symptom: "SSE request", operation: "PutObject", status: 400, code: "InvalidRequest", remedy: .hold, says: ["https"]),
        Row(
            symptom: "wrong region", operation: "PutObject", status: 301, code: "PermanentRedirect", region: "eu-central-1",
            remedy: .hold, says: ["eu-central-1", "region:"]),
        Row(
            symptom: "wrong region in the signature", operation: "CopyObject", status: 400, code: "AuthorizationHeaderMalformed",
            region: "us-east-2", remedy: .hold, says: ["us-east-2"]),
        Row(
            symptom: "no bucket", operation: "CopyObject", status: 404, code: "NoSuchBucket", remedy: .hold,
            says: ["ask the partner"]),
        Row(
            symptom: "wrong secret", operation: "PutObject", status: 403, code: "SignatureDoesNotMatch", remedy: .hold,
            says: ["secret key", "proxy"]),
        Row(
            symptom: "unknown key id", operation: "PutObject", status: 403, code: "InvalidAccessKeyId", remedy: .hold,
            says: ["access key"]),
        Row(
            symptom: "foreign token", operation: "PutObject", status: 400, code: "InvalidToken", remedy: .hold,
            says: ["session token"]),
        Row(symptom: "expired", operation: "PutObject", status: 400, code: "ExpiredToken", remedy: .hold, says: ["expired"]),
        Row(symptom: "clock", operation: "PutObject", status: 403, code: "RequestTimeTooSkewed", remedy: .retry, says: ["NTP"]),
        Row(
            symptom: "the source changed", operation: "CopyObject", status: 412, code: "PreconditionFailed",
            condition: "x-amz-copy-source-If-Match", remedy: .retry, says: ["changed"]),
        Row(
            symptom: "the target exists", operation: "CopyObject", status: 412, code: "PreconditionFailed",
            condition: "If-None-Match",
            remedy: .quarantine, says: ["exists already"]),
        Row(
            symptom: "concurrent writer", operation: "CopyObject", status: 409, code: "ConditionalRequestConflict", remedy: .retry,
            says: ["somebody else"]),
        Row(
            symptom: "concurrent operation", operation: "CopyObject", status: 409, code: "OperationAborted", remedy: .retry,
            says: ["somebody else"]),
        Row(symptom: "too large", operation: "PutObject", status: 400, code: "EntityTooLarge", remedy: .hold, says: ["5 GiB"]),
        Row(
            symptom: "too large to copy", operation: "CopyObject", status: 400, code: "InvalidRequest",
            message: "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
            remedy: .hold, says: ["5 GiB"]),
        Row(
            symptom: "part maths", operation: "CompleteMultipartUpload", status: 400, code: "EntityTooSmall", remedy: .retry,
            says: ["parts"]),
        Row(
            symptom: "order", operation: "CompleteMultipartUpload", status: 400, code: "InvalidPartOrder", remedy: .retry,
            says: ["parts"]),
        Row(symptom: "aborted", operation: "UploadPart", status: 404, code: "NoSuchUpload", remedy: .retry, says: ["lifecycle"]),
        Row(symptom: "garbled", operation: "PutObject", status: 400, code: "BadDigest", remedy: .retry, says: ["changed", "line"]),
        Row(symptom: "cut", operation: "PutObject", status: 400, code: "IncompleteBody", remedy: .retry, says: ["changed"]),
        Row(symptom: "pace", operation: "PutObject", status: 503, code: "SlowDown", remedy: .retry, says: ["limits.at-once"]),
        Row(
            symptom: "long name", operation: "PutObject", status: 400, code: "KeyTooLongError", remedy: .quarantine,
            says: ["template"]),
        Row(
            symptom: "metadata", operation: "PutObject", status: 400, code: "MetadataTooLarge", remedy: .quarantine,
            says: ["template"]),
        Row(symptom: "tag", operation: "PutObject", status: 400, code: "InvalidTag", remedy: .quarantine, says: ["template"]),
        Row(
            symptom: "owner", operation: "PutObject", status: 400, code: "InvalidBucketOwnerAWSAccountID", remedy: .hold,
            says: ["12 digits"]),
        Row(symptom: "slow sender", operation: "PutObject", status: 400, code: "RequestTimeout", remedy: .retry, says: ["disk"]),
        Row(
            symptom: "radosgw and a sealed source", operation: "CopyObject", status: 501, code: "NotImplemented", remedy: .hold,
            says: ["copy", "encrypted under a KMS key", "publish: elsewhere"]),
        Row(
            symptom: "not AWS", operation: "PutObject", status: 501, code: "NotImplemented", remedy: .hold,
            says: ["S3-compatible", "SSE-KMS"]),
    ]

    @Test("names the cause and the fix, and chooses the remedy, row by row", arguments: rows)
    func diagnoses(_ row: Row) throws {
        var reason = AWSFailure(
            operation: row.operation, origin: .answered(status: row.status), code: row.code, message: row.message)
        reason.condition = row.condition
        reason.region = row.region
        reason.isThrottling = row.code == "SlowDown"
        let failure = Diagnosis.failure(reason, of: try Self.call())
        #expect(failure.remedy == row.remedy)
        #expect(failure.isThrottling == reason.isThrottling)
        #expect(failure.cause.hasPrefix("\(row.code) (\(row.status)): "))
        for word in row.says { #expect(failure.hint?.contains(word) == true, "\(failure.hint ?? "no hint")") }
    }

    @Test("radosgw's word for an unknown KMS key is not taken for an unknown access key")
    func unknownKeyOfRadosgw() throws {
        let message = "Failed to retrieve the actual key, kms-keyid: \(Sample.key)"
        let refusal = AWSFailure(
            operation: "PutObject", origin: .answered(status: 403), code: "InvalidAccessKeyId", message: message)
        let failure = Diagnosis.failure(refusal, of: try Self.call())
        #expect(failure.remedy == .hold)
        #expect(failure.code == "KMS.NotFoundException")
        #expect(failure.cause.hasPrefix("InvalidAccessKeyId (403): \(message)"))
        #expect(failure.hint?.contains("\(Sample.key) is not found") == true, "\(failure.hint ?? "no hint")")
    }

    @Test("an unknown refusal holds, an unknown fault of the server is tried again when it asks for it")
    func unknownCodes() throws {
        let refusal = AWSFailure(operation: "PutObject", origin: .answered(status: 400), code: "NeverHeard", message: "")
        #expect(Diagnosis.failure(refusal, of: try Self.call()).remedy == .hold)
        var fault = AWSFailure(operation: "PutObject", origin: .answered(status: 500), code: "NeverHeard", message: "")
        fault.retryAfter = .seconds(7)
        #expect(Diagnosis.failure(fault, of: try Self.call()).remedy == .retry(after: .seconds(7)))
    }

    @Test("the network's failures are tried again, each with its own hint", arguments: [HTTPFailure.Kind.resolve, .connect, .tls])
    func network(_ kind: HTTPFailure.Kind) throws {
        let reason = AWSFailure(operation: "PutObject", origin: .unanswered(kind), code: "x", message: "text")
        let failure = Diagnosis.failure(reason, of: try Self.call())
        #expect(failure.remedy == .retry)
        #expect(failure.hint != nil)
    }

    @Test("credentials that a person must fix hold; a busy service is tried again")
    func credentials() throws {
        for (isTemporary, remedy) in [(true, DeliveryFailure.Remedy.retry), (false, .hold)] {
            let cause = CredentialFailure(step: "assume the role", cause: "no", hint: "look", isTemporary: isTemporary)
            let reason = AWSFailure(operation: "PutObject", origin: .withoutCredentials(cause), code: "NoCredentials", message: "m")
            let failure = Diagnosis.failure(reason, of: try Self.call())
            #expect(failure.remedy == remedy)
            #expect(failure.hint == "look")
        }
    }

    static func call() throws -> AttemptedCall {
        AttemptedCall(
            attempt: "copy seeds.csv to the inbox of acme", side: .inbox,
            identity: "arn:aws:iam::111111111111:role/generator", bucket: try Sample.bucket(), key: "k",
            keyARN: try KeyARN(Sample.key),
            source: CopySource(bucket: try BucketName("orga-repository"), owner: nil, key: "acme/s", versionID: "V", etag: "e"),
            sourceKeyARN: try KeyARN("arn:aws:kms:eu-west-1:222222222222:key/99992222-3333-4444-5555-666677778888"),
            acl: "bucket-owner-full-control")
    }
}
