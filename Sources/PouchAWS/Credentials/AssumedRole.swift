import PouchKit

extension RefreshingCredentials {
    /// A role, assumed through STS with the credentials of another source.
    package static func role(
        _ request: STS.RoleRequest,
        from base: any CredentialSource,
        region: Region,
        endpoint: EndpointURL?,
        link: AWSLink
    ) -> RefreshingCredentials {
        let sts = STS(credentials: base, region: region, endpoint: endpoint, link: link)
        let step = "assume the role \(request.role)"
        return RefreshingCredentials(
            explanation: "the role \(request.role), assumed with \(base.explanation)",
            clock: link.clock
        ) { () async throws(CredentialFailure) -> Fresh in
            do throws(AWSFailure) {
                let assumed = try await sts.assumeRole(request)
                return Fresh(credentials: assumed.credentials, lifetime: assumed.lifetime)
            } catch {
                throw failure(error, step: step, request: request, base: base)
            }
        }
    }

    private static func failure(
        _ reason: AWSFailure,
        step: String,
        request: STS.RoleRequest,
        base: any CredentialSource
    ) -> CredentialFailure {
        // The step before ours failed: its own words are the better ones.
        if case .withoutCredentials(let earlier) = reason.origin { return earlier }
        return CredentialFailure(
            step: step,
            cause: "\(reason)",
            hint: hint(reason, request: request, base: base),
            isTemporary: reason.isThrottling || RetryClass.cause(of: reason) != nil || reason.origin == .cancelled
        )
    }

    private static func hint(_ reason: AWSFailure, request: STS.RoleRequest, base: any CredentialSource) -> String? {
        switch reason.code {
        case "AccessDenied", "AccessDeniedException", "Forbidden":
            "two sides must allow it: the caller's own policy sts:AssumeRole on the role, and the role's trust policy the caller"
                + (request.externalID == nil ? " (perhaps only with an external id)" : "")
        case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId":
            "AWS does not know the access key: check \(base.explanation)"
        case "SignatureDoesNotMatch":
            "the secret key does not belong to the access key: check \(base.explanation)"
        case "ExpiredToken", "ExpiredTokenException":
            "the credentials of \(base.explanation) have expired"
        case "ValidationError":
            "the role's ARN, its session name or the duration is not what STS takes"
        case "RegionDisabledException":
            "STS is not enabled in that region: an administrator of the account can activate it"
        default: nil
        }
    }
}
