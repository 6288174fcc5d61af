import PouchKit

/// Permissions of S3's own and those that it asks of KMS.
extension S3Service {
    /// May the caller do this in the bucket, or to the object in it?
    ///
    /// - Parameter object: none: the bucket itself is the resource.
    /// - Throws: `Refusal` `AccessDenied`, with reasons only for callers of the bucket's own account, as at AWS.
    func require(
        _ action: String,
        on object: ObjectKey?,
        of bucket: SandboxBucket,
        by call: S3Call,
        also extra: (inout PolicyContext) -> Void = { _ in }
    ) throws(Refusal) {
        let verdict = self.verdict(action, on: object, of: bucket, by: call, also: extra)
        call.notes.note { $0.permissions.append(action + (verdict.isAllowed ? "" : " refused")) }
        guard !verdict.isAllowed else { return }
        guard call.caller.account == bucket.account else { throw .accessDenied() }
        throw .accessDenied(
            "User: \(call.caller.arn) is not authorized to perform: \(action) on resource: "
                + "\"\(object.map { bucket.arn(of: $0) } ?? bucket.arn)\" " + Self.reason(verdict, action: action))
    }

    /// Whether the caller may, without a trace in the log: for what depends on a second permission.
    func verdict(
        _ action: String,
        on object: ObjectKey?,
        of bucket: SandboxBucket,
        by call: S3Call,
        also extra: (inout PolicyContext) -> Void = { _ in }
    ) -> PolicyVerdict {
        var context = call.context
        context.set("s3:ResourceAccount", bucket.account)
        context.set("aws:ResourceAccount", bucket.account)
        context.set("aws:RequestedRegion", bucket.region)
        extra(&context)
        return PolicyQuestion(
            caller: call.caller, action: action, resource: object.map { bucket.arn(of: $0) } ?? bucket.arn, context: context
        ).verdict(
            under: ResourcePolicy(document: bucket.settings.policy?.document, account: bucket.account, kind: .optional))
    }

    /// May the caller read this object? Where another account owns it, the bucket's policy has no say (object ownership).
    func requireReading(_ action: String, of object: StoredObject, in bucket: SandboxBucket, by call: S3Call) throws(Refusal) {
        guard object.owner != bucket.account else { return try require(action, on: object.key, of: bucket, by: call) }
        var context = call.context
        context.set("s3:ResourceAccount", bucket.account)
        let isSharedWithBucketOwner = ["bucket-owner-full-control", "bucket-owner-read"].contains(object.attributes.acl ?? "")
        let mayBeAsked =
            call.caller.account == object.owner || (call.caller.account == bucket.account && isSharedWithBucketOwner)
        let verdict = PolicyQuestion(
            caller: call.caller, action: action, resource: bucket.arn(of: object.key), context: context
        ).verdict(under: ResourcePolicy(document: nil, account: call.caller.account, kind: .optional))
        call.notes.note { $0.permissions.append(action + (mayBeAsked && verdict.isAllowed ? "" : " refused")) }
        guard mayBeAsked, verdict.isAllowed else { throw .accessDenied() }
    }

    /// Asks KMS on behalf of the caller, with the context of the object that the key is for.
    ///
    /// - Throws: `Refusal` `AccessDenied` or `KMS.…Exception`.
    func requireKey(
        _ action: String, for encryption: ObjectEncryption, of key: ObjectKey, in bucket: SandboxBucket, by call: S3Call
    )
        throws(Refusal)
    {
        guard case .kms(let arn, let bucketKey, var context) = encryption else { return }
        // "All requests for an object protected by KMS must be made over TLS" (UG, protecting data with SSE-KMS).
        guard call.request.isSecure else { throw Self.insecure }
        context["aws:s3:arn"] = bucketKey ? bucket.arn : bucket.arn(of: key)
        do throws(KeyProblem) {
            if call.effect.disablesKeys { throw KeyProblem.disabled("\(arn) is disabled.") }
            let found = try keys.resolve(arn, region: bucket.region, account: call.caller.account)
            try keys.use(
                found, for: action, by: call.caller, context: context, via: .s3(in: bucket.region),
                base: PolicyContext.of(call.request), note: { check in call.notes.note { $0.keyChecks.append(check) } })
        } catch {
            throw Self.refusal(for: error, caller: call.caller)
        }
    }

    static let insecure = Refusal.invalidArgument(
        "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection.")

    static func refusal(for problem: KeyProblem, caller: Caller) -> Refusal {
        switch problem {
        case .denied(let action, let key, let byResource):
            // KMS itself speaks here: it says why across accounts too, with its one sentence for all that concerns the key's policy.
            let reason =
                byResource
                ? "on this resource because the resource does not exist in this Region, no resource-based policies allow access, "
                    + "or a resource-based policy explicitly denies access"
                : "on resource: \(key) because no identity-based policy allows the \(action) action"
            return .accessDenied("User: \(caller.arn) is not authorized to perform: \(action) \(reason)")
        case .notFound(let text), .disabled(let text), .invalidState(let text), .invalidUsage(let text):
            return Refusal("KMS.\(problem.code)", 400, text)
        }
    }

    private static func reason(_ verdict: PolicyVerdict, action: String) -> String {
        switch verdict {
        case .allowed: ""
        case .denied(let place):
            "with an explicit deny in a" + (place.hasPrefix("resource") ? " resource-based policy" : "n identity-based policy")
        case .notAllowedByIdentity: "because no identity-based policy allows the \(action) action"
        case .notAllowedByResource: "because no resource-based policy allows the \(action) action"
        case .notAllowedBySession: "because no session policy allows the \(action) action"
        }
    }
}
