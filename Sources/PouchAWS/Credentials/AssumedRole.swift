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
        let address = ServiceAddress.regional(.sts, in: region, custom: endpoint, variant: link.variant)
        let step = "assume the role \(request.role)"
        return RefreshingCredentials(
            explanation: "the role \(request.role), assumed with \(base.explanation)",
            story: { base.story + [story(request, address.endpoint)] },
            clock: link.clock
        ) { () async throws(CredentialFailure) -> Fresh in
            do throws(AWSFailure) {
                let assumed = try await sts.assumeRole(request)
                return Fresh(credentials: assumed.credentials, lifetime: assumed.lifetime)
            } catch {
                throw CredentialFailure(step: step, reason: error, hint: hint(error, request: request, base: base))
            }
        }
    }

    private static func story(_ request: STS.RoleRequest, _ endpoint: EndpointURL) -> CredentialStep {
        var step = CredentialStep(
            .role, "the role \(request.role), assumed", [("asked at", endpoint.description), ("session name", request.sessionName)])
        // An external id is no secret to AWS, and some organisations treat it as one all the same.
        if request.externalID != nil { step.add("external id", "given") }
        if let duration = request.duration { step.add("duration", "\(duration.components.seconds) s") }
        if let policy = request.policy { step.add("narrowed to", policy) }
        if !request.tags.isEmpty { step.add("tags", request.tags.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")) }
        return step
    }

    private static func hint(_ reason: AWSFailure, request: STS.RoleRequest, base: any CredentialSource) -> String? {
        if case .unanswered(let kind) = reason.origin { return NetworkDiagnosis.hint(kind) }
        return switch reason.code {
        case "AccessDenied", "AccessDeniedException", "Forbidden":
            "two sides must allow it: the caller's own policy sts:AssumeRole on the role, and the role's trust policy the caller"
                + (request.externalID == nil ? " (perhaps only with an external id)" : "")
                + (request.tags.isEmpty ? "" : "; with tags both must allow sts:TagSession too")
        case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId":
            "AWS does not know the access key: check \(base.explanation)"
        case "SignatureDoesNotMatch":
            "the secret key does not belong to the access key: check \(base.explanation)"
        case "ExpiredToken", "ExpiredTokenException":
            "the credentials of \(base.explanation) have expired"
        case "ValidationError":
            "the role's ARN, its session name or the duration is not what STS takes"
        case "PackedPolicyTooLarge":
            "the session policy and the tags together are more than STS takes: shorten prefixes or tags"
        case "RegionDisabledException":
            "STS is not enabled in that region: an administrator of the account can activate it"
        default: nil
        }
    }
}
