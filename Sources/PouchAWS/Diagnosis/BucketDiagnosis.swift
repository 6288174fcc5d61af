import PouchKit

/// What is wrong with the bucket, or with what is known of it.
enum BucketDiagnosis {
    static func finding(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        let bucket = call.bucket.name
        switch reason.code {
        case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
            "Redirect":
            let region = reason.region.map { "it is in \($0)" } ?? "S3 does not say where it is"
            return .init(.hold, "\(bucket) is not in \(call.bucket.region): \(region); set region: accordingly")
        case "NoSuchBucket":
            let whose = call.side == .inbox ? "ask the partner for its name" : "check its name"
            return .init(
                .hold, "there is no bucket \(bucket) (in the partition \(call.bucket.region.partition.rawValue)): \(whose)")
        case "NotFound" where reason.operation == "HeadBucket":
            return .init(.hold, "there is no bucket \(bucket), or not in this partition")
        case "AccessControlListNotSupported":
            return .init(.hold, "\(bucket) takes no ACLs (bucket owner enforced): remove acl: from the inbox")
        case "InvalidBucketOwnerAWSAccountID":
            return .init(.hold, "owner: must be the 12 digits of the account that \(bucket) belongs to")
        case "InvalidObjectState", "ObjectLockConfigurationNotFoundError", "InvalidRetentionPeriod":
            return .init(.hold, "the object lock or the archive class of \(bucket) does not allow it")
        case "InvalidStorageClass":
            return .init(.hold, "\(bucket) does not know the storage class in the settings")
        default:
            return nil
        }
    }
}

/// What is wrong with who we are.
enum CredentialDiagnosis {
    static func finding(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        switch reason.code {
        case "SignatureDoesNotMatch", "InvalidSignatureException":
            let clock = reason.skew == nil ? "" : ", and this machine's clock is off"
            return .init(
                .hold, "the secret key of \(call.identity) is wrong, or a proxy changes paths or headers on the way\(clock)")
        case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException":
            return .init(.hold, "AWS does not know the access key of \(call.identity): it was deleted, or is of another partition")
        case "InvalidToken":
            return .init(.hold, "the session token of \(call.identity) is missing or does not belong to its keys")
        case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
            return .init(.hold, "the credentials of \(call.identity) have expired, and renewing them gave no better ones")
        case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "SignatureExpired":
            let by = reason.skew.map { " by about \(abs($0.components.seconds) / 60) minutes" } ?? ""
            return .init(.retry, "this machine's clock is off\(by), and correcting for it did not help: set up NTP")
        default:
            return nil
        }
    }
}
