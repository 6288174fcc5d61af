import PouchKit

extension RefreshingCredentials {
    /// A role that STS gives for the token of an identity provider. The file is read at each refresh: its writer replaces it.
    package static func webIdentity(
        _ request: STS.WebIdentityRequest,
        tokenFile: String,
        region: Region,
        endpoint: EndpointURL?,
        link: AWSLink
    ) -> RefreshingCredentials {
        let sts = STS(credentials: nil, region: region, endpoint: endpoint, link: link)
        let address = ServiceAddress.regional(.sts, in: region, custom: endpoint, variant: link.variant)
        let step = "assume the role \(request.role) with the token in \(tokenFile)"
        return RefreshingCredentials(
            explanation: "the web identity token in \(tokenFile)",
            story: {
                var step = CredentialStep(
                    .webIdentity, "the role \(request.role), for the token in \(tokenFile)",
                    [("asked at", address.endpoint.description), ("session name", request.sessionName)])
                do throws(CredentialFailure) { _ = try token(in: tokenFile) } catch { step.problem = error }
                return [step]
            },
            clock: link.clock
        ) { () async throws(CredentialFailure) -> Fresh in
            let token = try token(in: tokenFile)
            do throws(AWSFailure) {
                let assumed = try await sts.assumeRole(request, token: token)
                return Fresh(credentials: assumed.credentials, lifetime: assumed.lifetime)
            } catch {
                throw CredentialFailure(step: step, reason: error, hint: hint(error, tokenFile))
            }
        }
    }

    /// Its mode is not looked at: Kubernetes mounts it readable for the whole container, and it is good for minutes.
    private static func token(in file: String) throws(CredentialFailure) -> Secret {
        let text = try SmallFile.text(at: file)
        let token = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !token.isEmpty, !token.contains(" ") else {
            throw CredentialFailure(
                step: "read the web identity token in \(file)", cause: token.isEmpty ? "the file is empty" : "it is not one word")
        }
        return Secret(token)
    }

    private static func hint(_ reason: AWSFailure, _ tokenFile: String) -> String? {
        switch reason.code {
        case "ExpiredTokenException", "ExpiredToken":
            "whoever writes \(tokenFile) has stopped: a token is to be replaced long before it ends"
        case "InvalidIdentityToken", "InvalidIdentityTokenException":
            "the account needs an OIDC provider for the token's issuer, with the token's audience among its client ids"
        case "AccessDenied", "AccessDeniedException":
            "the role's trust policy must let the provider do sts:AssumeRoleWithWebIdentity, and its conditions on :sub and :aud "
                + "must fit the token"
        case "IDPRejectedClaim", "IDPRejectedClaimException": "the provider does not vouch for the token any more"
        default: nil
        }
    }
}
