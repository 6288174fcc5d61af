/// Keys that stand in the shared files, with which a role is assumed. They are used once an hour, and read each time: somebody may have
/// exchanged them meanwhile.
struct ProfileKeys: CredentialSource {
    /// Whose way begins with the keys.
    let profile: String
    /// Which has them.
    let holder: String
    let locations: ProfileLocations
    let sessionName: String

    var explanation: String { "the keys of the profile \(holder)" }

    func credentials() async throws(CredentialFailure) -> Credentials {
        let step = "read \(explanation)"
        guard case .keys(let keys) = try Profile(profile, in: locations.read(), sessionName: sessionName).origin else {
            // The next try goes the new way from its beginning.
            throw CredentialFailure(step: step, cause: "the profile \(profile) does not begin with keys any more")
        }
        return keys
    }

    func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        let credentials = try await credentials()
        guard credentials != refused else {
            throw CredentialFailure(
                step: "renew \(explanation)", cause: "they were refused, and the files still hold them",
                hint: "put valid credentials into the profile")
        }
        return credentials
    }
}
