import PouchCrypto
import PouchKit

extension RefreshingCredentials {
    /// A session of a role that IAM Roles Anywhere gives for a certificate. The files are read at each refresh, so that a renewed
    /// certificate is picked up without a restart.
    package static func rolesAnywhere(
        _ request: RolesAnywhere.SessionRequest,
        with files: CertificateFiles,
        endpoint: EndpointURL?,
        link: AWSLink
    ) -> RefreshingCredentials {
        let service = RolesAnywhere(files: files, endpoint: endpoint, link: link)
        let host = ServiceAddress.regional(
            .rolesanywhere, in: request.trustAnchor.region, custom: endpoint, variant: link.variant)
        let step = "get a session of \(request.role) from Roles Anywhere"
        return RefreshingCredentials(
            explanation: "the certificate in \(files.certificate), through Roles Anywhere",
            story: { story(request, files, host.endpoint, link.clock) },
            clock: link.clock
        ) { () async throws(CredentialFailure) -> Fresh in
            do throws(AWSFailure) {
                let session = try await service.createSession(request)
                return Fresh(credentials: session.credentials, lifetime: session.lifetime)
            } catch {
                throw CredentialFailure(step: step, reason: error, hint: hint(error, request))
            }
        }
    }

    private static func story(
        _ request: RolesAnywhere.SessionRequest,
        _ files: CertificateFiles,
        _ endpoint: EndpointURL,
        _ clock: any AgentClock
    ) -> [CredentialStep] {
        var step = CredentialStep(
            .rolesAnywhere, "a session of \(request.role) for the certificate in \(files.certificate)",
            [
                ("key", files.key), ("trust anchor", request.trustAnchor.description), ("profile", request.profile.description),
                ("asked at", endpoint.description),
            ])
        do throws(CredentialFailure) {
            let report = try files.report(at: clock.now)
            step.add("subject", report.subject)
            step.add("serial", report.serial)
            step.add("kind", report.kind.rawValue)
            step.add("valid until", report.notAfter.description)
            if !report.intermediates.isEmpty { step.add("vouched for by", report.intermediates.joined(separator: "; ")) }
        } catch {
            step.problem = error
        }
        return [step]
    }

    private static func hint(_ reason: AWSFailure, _ request: RolesAnywhere.SessionRequest) -> String? {
        switch reason.code {
        case "AccessDeniedException" where reason.message.lowercased().contains("session name"):
            "the profile does not accept session names: leave session-name out, or let the profile accept them"
        case "AccessDeniedException":
            "look in this order: the certificate's authority is the trust anchor's, and the chain is complete; the profile is enabled "
                + "and lists \(request.role); the role's trust policy lets rolesanywhere.amazonaws.com do sts:AssumeRole, "
                + "sts:TagSession and sts:SetSourceIdentity, and its conditions fit this certificate; the certificate is not revoked"
        case "ValidationException":
            "an ARN is not one of \(request.trustAnchor.region), or the duration is not 15 minutes to 12 hours"
        case "ResourceNotFoundException":
            "the trust anchor and the profile are of \(request.trustAnchor.region), and in the account that the ARNs name"
        default: nil
        }
    }
}
