import PouchAWS
import PouchConfiguration
import PouchKit

/// What only PouchAWS can tell about identities: whether the names in them are such.
struct IdentityCheck {
    let parts: SoundParts

    func problems() -> [ConfigurationProblem] {
        parts.identities.values.flatMap { identity in
            problem(identity.value.role?.arn, "role") { text throws(NameError) in _ = try RoleARN(text) }
                + problems(of: identity.value.origin.value)
        }
    }

    private func problems(of origin: IdentitySettings.Origin) -> [ConfigurationProblem] {
        switch origin {
        case .rolesAnywhere(let settings):
            problem(settings.role, "role") { text throws(NameError) in _ = try RoleARN(text) }
                + problem(settings.trustAnchor, "trust-anchor") { text throws(NameError) in
                    _ = try RolesAnywhereARN(text, kind: .trustAnchor)
                }
                + problem(settings.profile, "profile") { text throws(NameError) in
                    _ = try RolesAnywhereARN(text, kind: .profile)
                }
        case .webIdentity(let settings):
            problem(settings.role, "role") { text throws(NameError) in _ = try RoleARN(text) }
        case .container(.endpoint(let uri, _)):
            problem(uri, "uri") { text throws(NameError) in _ = try ContainerEndpoint(uri: text, authorization: .none) }
        case .profile, .environment, .file, .container, .imds, .process: []
        }
    }

    private func problem(
        _ text: Located<String>?,
        _ key: String,
        _ check: (String) throws(NameError) -> Void
    ) -> [ConfigurationProblem] {
        guard let text else { return [] }
        do throws(NameError) {
            try check(text.value)
            return []
        } catch {
            let what = "\(key): expected \(error.expectation), found '\(error.text)'"
            return [parts.decoder.problem(.error, at: text.mark, what, hint: nil)]
        }
    }
}
