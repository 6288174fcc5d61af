package import PouchAWS

/// How whoever runs the agent becomes one of the roles.
package enum Trust: Hashable, Sendable {
    /// With the keys of a user, or as another role: `sts:AssumeRole`, with tags `sts:TagSession` as well.
    case identity(arn: String, externalID: String?, isTagged: Bool = false)
    /// With a token of an identity provider.
    case webIdentity(WebIdentity)
    /// With a certificate.
    case rolesAnywhere(RolesAnywhere)

    package struct WebIdentity: Hashable, Sendable {
        /// Without `https://`: `token.actions.example`.
        package let provider: String
        package let subject: String
        package let audience: String

        package init(provider: String, subject: String, audience: String) {
            self.provider = provider
            self.subject = subject
            self.audience = audience
        }
    }

    package struct RolesAnywhere: Hashable, Sendable {
        package let trustAnchor: String
        /// Of the certificate's subject.
        package let commonName: String

        package init(trustAnchor: String, commonName: String) {
            self.trustAnchor = trustAnchor
            self.commonName = commonName
        }
    }

    /// Who it is, whatever else is demanded.
    package var principal: String {
        switch self {
        case .identity(let arn, _, _): arn
        case .webIdentity(let identity): "\(identity.subject) of \(identity.provider)"
        case .rolesAnywhere(let identity): "the certificate of \(identity.commonName), vouched for by \(identity.trustAnchor)"
        }
    }

    package func policy(of role: RoleARN) -> Policy {
        Policy([statement(of: role)])
    }

    private func statement(of role: RoleARN) -> Policy.Statement {
        let reason = "only the machine that runs Pouch becomes this role"
        switch self {
        case .identity(let arn, let externalID, let isTagged):
            return .init(
                .edgeBecomesThisRole, because: reason, to: .identities([arn]),
                ["sts:AssumeRole"] + (isTagged ? ["sts:TagSession"] : []), on: [],
                when: externalID.map { [.init("StringEquals", "sts:ExternalId", $0)] } ?? [])
        case .webIdentity(let identity):
            let partition = role.description.split(separator: ":")[1]
            return .init(
                .edgeBecomesThisRole, because: reason,
                to: .federated("arn:\(partition):iam::\(role.account):oidc-provider/\(identity.provider)"),
                ["sts:AssumeRoleWithWebIdentity"], on: [],
                when: [
                    .init("StringEquals", "\(identity.provider):aud", identity.audience),
                    .init("StringEquals", "\(identity.provider):sub", identity.subject),
                ])
        case .rolesAnywhere(let identity):
            return .init(
                .edgeBecomesThisRole, because: reason, to: .service("rolesanywhere.amazonaws.com"),
                ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], on: [],
                when: [
                    .init("StringEquals", "aws:PrincipalTag/x509Subject/CN", identity.commonName),
                    .init("StringEquals", "aws:SourceAccount", role.account.description),
                    .init("ArnEquals", "aws:SourceArn", identity.trustAnchor),
                ])
        }
    }
}
