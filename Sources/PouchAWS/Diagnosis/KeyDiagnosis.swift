import PouchKit

/// What KMS says about the key, through S3.
enum KeyDiagnosis {
    static func finding(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        let key = call.keyARN?.description ?? "the key"
        switch reason.code {
        case "KMS.NotFoundException", "NotFoundException", "KMS.InvalidArnException", "InvalidArnException":
            return .init(
                .hold,
                "\(key) is not found from the region of \(call.bucket.name) (\(call.bucket.region)): the key must exist there; name it "
                    + "by its full ARN, and not an alias, which is looked up in the caller's account")
        case "KMS.DisabledException", "DisabledException":
            return .init(.hold, "the key's owner disabled \(key), and must enable it")
        case "KMS.KMSInvalidStateException", "KMSInvalidStateException", "KMS.InvalidStateException":
            return .init(
                .hold, "\(key) waits for its deletion or for its material: its owner must cancel the deletion or import it")
        case "KMS.InvalidKeyUsageException", "InvalidKeyUsageException":
            return .init(.hold, "\(key) is asymmetric or for HMACs: its owner must give a symmetric key for ENCRYPT_DECRYPT")
        case "KMS.ThrottlingException", "KMS.KMSInternalException", "KMSInternalException", "KMS.DependencyTimeoutException",
            "KMS.KeyUnavailableException":
            return .init(.retry(after: reason.retryAfter))
        // radosgw's word for a KMS key that it does not have.
        case "InvalidAccessKeyId" where reason.message.contains("kms-keyid"):
            return .init(
                .hold, "\(key) is not found by the service behind \(call.bucket.name): its operator must add the key there",
                code: "KMS.NotFoundException")
        default:
            guard reason.code.hasPrefix("KMS.") else { return nil }
            return .init(.hold, "KMS refuses \(key): its owner can see why in CloudTrail")
        }
    }
}
