import PouchKit

/// What is wrong with this request: the file, its name, the moment, or what the service can do.
enum RequestDiagnosis {
    static func finding(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        precondition(reason, call) ?? size(reason) ?? naming(reason) ?? moment(reason) ?? capability(reason, call)
    }

    private static func precondition(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        guard reason.code == "PreconditionFailed" else { return nil }
        if reason.condition?.lowercased().contains("copy-source") == true {
            return .init(.retry, "the object in the repository changed after it was stored", code: "SourceChanged")
        }
        return .init(.quarantine, "\(call.bucket.name)/\(call.key) exists already", code: "key-taken")
    }

    private static func size(_ reason: AWSFailure) -> Diagnosis.Finding? {
        switch reason.code {
        case "EntityTooLarge":
            return .init(.hold, "one request takes at most 5 GiB", code: "too-large")
        case "InvalidRequest" where reason.operation == "CopyObject" && reason.message.contains("larger than"):
            return .init(.hold, "one copy takes at most 5 GiB", code: "too-large")
        case "EntityTooSmall", "InvalidPart", "InvalidPartOrder", "NoSuchUpload":
            return .init(.retry, "the upload's parts do not fit together, or a lifecycle rule aborted it: it begins again")
        default:
            return nil
        }
    }

    private static func naming(_ reason: AWSFailure) -> Diagnosis.Finding? {
        switch reason.code {
        case "KeyTooLongError", "MetadataTooLarge", "InvalidTag", "InvalidURI":
            return .init(.quarantine, "the route's key template gives a name that S3 does not take")
        case "BadDigest", "InvalidDigest", "IncompleteBody", "XAmzContentSHA256Mismatch":
            return .init(.retry, "what arrived is not what was hashed: the file changed while it was sent, or the line garbled it")
        default:
            return nil
        }
    }

    private static func moment(_ reason: AWSFailure) -> Diagnosis.Finding? {
        switch reason.code {
        case "ConditionalRequestConflict", "OperationAborted", "Conflict":
            return .init(.retry(after: reason.retryAfter), "somebody else writes or deletes at the same key at this moment")
        case "SlowDown":
            return .init(.retry(after: reason.retryAfter), "too many requests for this prefix: lower limits.at-once")
        case "RequestTimeout", "RequestTimeoutException":
            return .init(.retry(after: reason.retryAfter), "we sent too slowly: the line, or the disk that the file is on")
        case "NoSuchKey", "NoSuchVersion", "NotFound":
            return .init(.retry, "the object is gone: a lifecycle rule or a person removed it")
        default:
            return nil
        }
    }

    private static func capability(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        switch reason.code {
        case "NotImplemented":
            let service = call.bucket.endpoint?.description ?? call.bucket.name.description
            guard reason.operation == "CopyObject" else {
                return .init(
                    .hold,
                    "the service behind \(service) cannot do what was asked (SSE-KMS and CRC64NVME are what S3-compatible services lack)"
                )
            }
            return .init(
                .hold,
                "the service behind \(service) cannot copy what is encrypted under a KMS key, or not on conditions; with "
                    + "publish: elsewhere a publisher that can do it otherwise finishes")
        case "InvalidArgument", "InvalidRequest", "InvalidEncryptionAlgorithmError",
            "ServerSideEncryptionConfigurationNotFoundError":
            return .init(
                .hold,
                "S3 does not take the request as it is; encryption under a KMS key needs https, a full key ARN and a key in "
                    + "\(call.bucket.region)")
        case "MethodNotAllowed":
            return .init(.hold, "the service does not allow it at this address")
        default:
            return nil
        }
    }
}
