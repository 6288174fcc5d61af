import PouchCrypto
import PouchKit

/// Who vouches for others than users, of all accounts.
package struct Federation: Sendable {
    struct Provider: Sendable {
        /// Without `https://`: as ARNs and conditions of policies name it.
        let name: String
        let arn: String
        let clientIDs: [String]
        let key: VerifyingKey
    }

    struct TrustAnchor: Sendable {
        let account: String
        let region: String
        let certificates: [Certificate]
    }

    struct Profile: Sendable {
        let settings: AnywhereProfileSettings
        /// ARNs.
        let roles: [String]
    }

    /// By issuer.
    let providers: [String: Provider]
    /// By ARN.
    let trustAnchors: [String: TrustAnchor]
    /// By ARN.
    let profiles: [String: Profile]
    /// ARN.
    let instanceRole: String?
    /// By path; the role is an ARN.
    let tasks: [String: (token: Secret?, role: String)]

    /// - Throws: `ScenarioProblem` for a key or a certificate that cannot be read.
    package init(scenario: SandboxScenario) throws(ScenarioProblem) {
        var providers: [String: Provider] = [:]
        var anchors: [String: TrustAnchor] = [:]
        var profiles: [String: Profile] = [:]
        var tasks: [String: (token: Secret?, role: String)] = [:]
        var instanceRole: String?
        for account in scenario.accounts {
            guard let federation = account.federation else { continue }
            let roleARN = { (name: String) in "arn:aws:iam::\(account.id):role/\(name)" }
            for provider in federation.providers {
                let name = provider.issuer.hasPrefix("https://") ? String(provider.issuer.dropFirst(8)) : provider.issuer
                providers[provider.issuer] = Provider(
                    name: name, arn: "arn:aws:iam::\(account.id):oidc-provider/\(name)", clientIDs: provider.clientIDs,
                    key: try Self.read(provider.issuer) { () throws(CertificateFailure) in try VerifyingKey(pem: provider.key.text)
                    })
            }
            for anchor in federation.trustAnchors {
                anchors[anchor.arn(in: account.id)] = TrustAnchor(
                    account: account.id, region: anchor.region,
                    certificates: try Self.read(anchor.id) { () throws(CertificateFailure) in
                        try Certificate.all(in: anchor.certificate.text)
                    })
            }
            for profile in federation.profiles {
                profiles[profile.arn(in: account.id)] = Profile(settings: profile, roles: profile.roles.map(roleARN))
            }
            for task in federation.tasks { tasks[task.path] = (task.token.map(Secret.init), roleARN(task.role)) }
            instanceRole = federation.instanceRole.map(roleARN) ?? instanceRole
        }
        self.providers = providers
        trustAnchors = anchors
        self.profiles = profiles
        self.tasks = tasks
        self.instanceRole = instanceRole
    }

    private static func read<Value>(
        _ name: String,
        _ body: () throws(CertificateFailure) -> Value
    ) throws(ScenarioProblem) -> Value {
        do throws(CertificateFailure) { return try body() } catch { throw ScenarioProblem(what: "\(name): \(error)") }
    }
}
