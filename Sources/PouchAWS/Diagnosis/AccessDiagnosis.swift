import PouchKit

/// 403: somebody's policy does not allow it. Across accounts AWS gives no reason, so the usual ones are listed in the order in
/// which to look.
enum AccessDiagnosis {
    static func finding(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding? {
        guard ["AccessDenied", "AccessDeniedException", "Forbidden", "AllAccessDisabled", "AccountProblem"].contains(reason.code)
        else { return nil }
        for action in ["kms:GenerateDataKey", "kms:Decrypt"] where reason.message.contains(action) {
            return keyRefused(action, reason, call)
        }
        switch reason.operation {
        case "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "ListParts":
            return multipart(reason, call)
        case "CopyObject": return copy(call)
        case "PutObject", "CreateMultipartUpload": return put(call)
        default: return .init(.hold, "the policies of \(call.identity) and of the bucket \(call.bucket.name) must allow it")
        }
    }

    private static func keyRefused(_ action: String, _ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding {
        // "…associated with this ciphertext": the key of what is read, not of what is written.
        let isSource = action == "kms:Decrypt" && call.sourceKeyARN != nil
        let key = (isSource ? call.sourceKeyARN : call.keyARN)?.description ?? "the key"
        let object = isSource ? call.source.map { "\($0.bucket)/\($0.key)" } : "\(call.bucket.name)/\(call.key)"
        let context = "arn:aws:s3:::\(object ?? "")"
        if reason.operation != "CopyObject", reason.operation != "PutObject", action == "kms:Decrypt" {
            return multipart(reason, call)
        }
        if reason.message.contains("no identity-based policy allows") {
            return .init(.hold, "your own organisation: allow \(action) on \(key) in the IAM policy of \(call.identity)")
        }
        if reason.message.contains("resource-based polic") || reason.message.contains("does not exist in this Region") {
            return .init(
                .hold,
                "the key's owner: allow \(call.identity) \(action) in the key policy of \(key); where it has conditions, they must "
                    + "hold for the encryption context aws:s3:arn = \(context) (with a Bucket Key on it is the bucket's ARN) and for "
                    + "kms:ViaService = s3.\(call.bucket.region).amazonaws.com")
        }
        return .init(
            .hold,
            "both sides must allow \(call.identity) \(action) on \(key): its own IAM policy, and the key policy of the key's owner")
    }

    private static func multipart(_ reason: AWSFailure, _ call: AttemptedCall) -> Diagnosis.Finding {
        let more = reason.operation == "ListParts" ? " (and s3:ListMultipartUploadParts)" : ""
        return .init(
            .hold,
            "uploads in parts need kms:Decrypt on \(call.keyARN?.description ?? "the key")\(more), single ones do not: grant it to "
                + "\(call.identity), or let larger files go in one request")
    }

    private static func put(_ call: AttemptedCall) -> Diagnosis.Finding {
        let owner = call.bucket.owner.map { "; the bucket belongs to another account than \($0)" } ?? ""
        let acl = call.acl == nil ? "" : "; s3:PutObjectAcl is missing, since an ACL is sent"
        return .init(
            .hold,
            "look in this order: \(call.identity) lacks s3:PutObject on \(call.bucket.name.objectARN(call.key, in: call.bucket.region.partition)), or "
                + "kms:GenerateDataKey on \(call.keyARN?.description ?? "the key"); the key policy of its owner does not name it\(owner)"
                + "\(acl); a Deny on the key or the algorithm; an organisation's or an endpoint's policy; an object under Object Lock"
        )
    }

    private static func copy(_ call: AttemptedCall) -> Diagnosis.Finding {
        let source = call.source.map { "\($0.bucket)/\($0.key)" } ?? "the source"
        let read = call.source?.versionID == nil ? "s3:GetObject" : "s3:GetObjectVersion"
        var reasons = [
            "the policy of the bucket \(call.bucket.name) does not allow \(call.identity) s3:PutObject",
            "its own IAM policy does not",
        ]
        if let owner = call.bucket.owner { reasons.append("the bucket does not belong to account \(owner)") }
        reasons += [
            "\(source) is gone, or may not be read (\(read))",
            "kms:Decrypt on \(call.sourceKeyARN?.description ?? "the repository's key") or kms:GenerateDataKey on "
                + "\(call.keyARN?.description ?? "the inbox's key") is not allowed by both sides",
        ]
        if call.acl != nil { reasons.append("s3:PutObjectAcl is missing, since an ACL is sent") }
        reasons += [
            "a Deny on another key than the named one, or on overwriting",
            "an organisation's or a VPC endpoint's policy", "the key is taken by an object under Object Lock",
        ]
        return .init(.hold, "look in this order: " + reasons.joined(separator: "; "))
    }
}
