/// Where the shared files are.
package struct ProfileLocations: Hashable, Sendable {
    package let configuration: String?
    package let credentials: String?

    package init(configuration: String?, credentials: String?) {
        self.configuration = configuration
        self.credentials = credentials
    }

    /// One file in either form: `[NAME]` or `[profile NAME]`.
    package init(file: String) { self.init(configuration: file, credentials: file) }

    /// `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`, else below `$HOME/.aws`.
    package init(environment: [String: String]) {
        let home = environment["HOME"].map { $0 + "/.aws" }
        configuration = environment["AWS_CONFIG_FILE"] ?? home.map { $0 + "/config" }
        credentials = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home.map { $0 + "/credentials" }
    }

    /// Both files as one. A file that does not exist is empty.
    ///
    /// - Throws: `CredentialFailure` when neither exists, or one cannot be read or has another form.
    package func read() throws(CredentialFailure) -> ProfileFile {
        let first = try Self.read(configuration, as: .configuration)
        let second = try Self.read(credentials, as: .credentials)
        guard first != nil || second != nil else {
            let places = [configuration, credentials].compactMap { $0 }.joined(separator: " nor ")
            throw CredentialFailure(
                step: "read the shared AWS files", cause: places.isEmpty ? "HOME is not set" : "there is neither \(places)")
        }
        return (first ?? ProfileFile()).merged(with: second ?? ProfileFile())
    }

    private static func read(_ path: String?, as kind: ProfileFile.Kind) throws(CredentialFailure) -> ProfileFile? {
        guard let path, SmallFile.exists(path) else { return nil }
        let text = try SmallFile.text(at: path, isSecret: StaticKeys.stand(in:))
        do throws(ProfileProblem) {
            return try ProfileFile(text, as: kind)
        } catch {
            throw CredentialFailure(step: "read \(path)", cause: "\(error)")
        }
    }
}
