/// What sources of credentials need to get at them, the same for all of a lane.
package struct CredentialSurroundings: Sendable {
    /// To AWS.
    package let link: AWSLink
    /// To what is on this machine or its host, without a proxy.
    package let nearbyLink: AWSLink
    /// Of STS, where a source names none.
    package let region: Region
    /// Of STS, where it is not AWS's own.
    package let sts: EndpointURL?
    /// Of Roles Anywhere, where it is not AWS's own.
    package let rolesAnywhere: EndpointURL?
    /// As it was when the agent started.
    package let environment: [String: String]
    /// Where a source names none.
    package let sessionName: String

    package init(
        link: AWSLink,
        nearbyLink: AWSLink,
        region: Region,
        sts: EndpointURL? = nil,
        rolesAnywhere: EndpointURL? = nil,
        environment: [String: String],
        sessionName: String
    ) {
        self.link = link
        self.nearbyLink = nearbyLink
        self.region = region
        self.sts = sts
        self.rolesAnywhere = rolesAnywhere
        self.environment = environment
        self.sessionName = sessionName
    }

    package func role(_ request: STS.RoleRequest, from base: any CredentialSource) -> RefreshingCredentials {
        .role(request, from: base, region: region, endpoint: sts, link: link)
    }

    package func webIdentity(_ request: STS.WebIdentityRequest, tokenFile: String) -> RefreshingCredentials {
        .webIdentity(request, tokenFile: tokenFile, region: region, endpoint: sts, link: link)
    }

    package func rolesAnywhere(
        _ request: RolesAnywhere.SessionRequest, with files: CertificateFiles
    ) -> RefreshingCredentials {
        .rolesAnywhere(request, with: files, endpoint: rolesAnywhere, link: link)
    }

    /// - Parameter endpoint: `nil`: the one that the environment names.
    package func container(_ endpoint: ContainerEndpoint? = nil) -> RefreshingCredentials {
        let find = { @Sendable [environment] () throws(CredentialFailure) -> ContainerEndpoint in
            if let endpoint { return endpoint }
            return try ContainerEndpoint(environment: environment)
        }
        return .container(find, region: region, link: nearbyLink)
    }

    package func instance(role: String? = nil, at endpoint: EndpointURL? = nil) -> RefreshingCredentials {
        let endpoint = endpoint ?? InstanceMetadata.usualEndpoint
        return .instance(
            InstanceMetadata(endpoint: endpoint, region: region, link: nearbyLink), at: endpoint, role: role,
            clock: nearbyLink.clock)
    }

    package func process(_ command: [String]) -> RefreshingCredentials {
        .process(command, environment: environment, clock: link.clock)
    }

    /// The same for another region.
    func inRegion(_ region: Region?) -> CredentialSurroundings {
        CredentialSurroundings(
            link: link, nearbyLink: nearbyLink, region: region ?? self.region, sts: sts, rolesAnywhere: rolesAnywhere,
            environment: environment, sessionName: sessionName)
    }
}
