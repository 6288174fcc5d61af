import PouchKit

/// Keys as they stand in a profile or in the environment.
enum StaticKeys {
    /// The keys among a profile's properties; `nil` when there are none.
    ///
    /// - Throws: `CredentialFailure` when there is only half a pair.
    static func credentials(in properties: [String: String], step: String) throws(CredentialFailure) -> Credentials? {
        let id = properties["aws_access_key_id"].flatMap(nonEmpty)
        let secret = properties["aws_secret_access_key"].flatMap(nonEmpty)
        guard id != nil || secret != nil else { return nil }
        guard let id, let secret else {
            let missing = id == nil ? "aws_access_key_id" : "aws_secret_access_key"
            throw CredentialFailure(step: step, cause: "\(missing) is missing", hint: "the two keys go together")
        }
        return Credentials(
            accessKeyID: id,
            secretAccessKey: Secret(secret),
            sessionToken: properties["aws_session_token"].flatMap(nonEmpty).map(Secret.init)
        )
    }

    private static func nonEmpty(_ text: String) -> String? { text.isEmpty ? nil : text }
}

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`, as they were when the agent
/// started.
package struct EnvironmentCredentials: CredentialSource {
    private let result: Result<Credentials, CredentialFailure>

    package let explanation = "the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

    package init(_ environment: [String: String]) {
        result = Self.read(environment)
    }

    package func credentials() async throws(CredentialFailure) -> Credentials { try result.get() }

    package func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        throw CredentialFailure(
            step: "renew the credentials of the environment", cause: "they were refused, and a process cannot get others",
            hint: "start the agent with valid ones, or name a source that renews itself")
    }

    private static func read(_ environment: [String: String]) -> Result<Credentials, CredentialFailure> {
        let step = "read credentials from the environment"
        let names = [
            "aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
            "aws_session_token": "AWS_SESSION_TOKEN",
        ]
        let properties = names.compactMapValues { environment[$0] }
        do throws(CredentialFailure) {
            guard let keys = try StaticKeys.credentials(in: properties, step: step) else {
                throw CredentialFailure(
                    step: step, cause: "AWS_ACCESS_KEY_ID is not set", hint: "set it and AWS_SECRET_ACCESS_KEY for the agent")
            }
            return .success(
                Credentials(
                    accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey, sessionToken: keys.sessionToken,
                    expiration: environment["AWS_CREDENTIAL_EXPIRATION"].flatMap(WireDate.iso8601)))
        } catch {
            return .failure(error)
        }
    }
}

/// One file in the form of `~/.aws/credentials`, its section `default` unless another is named. Read again when what it held was
/// refused, so that keys can be exchanged while the agent runs.
package struct CredentialsFile: CredentialSource {
    private let path: String
    private let section: String
    private let kept: KeptCredentials

    package init(path: String, section: String = "default") {
        self.path = path
        self.section = section
        kept = KeptCredentials()
    }

    package var explanation: String { "the section [\(section)] of \(path)" }

    package func credentials() async throws(CredentialFailure) -> Credentials {
        if let credentials = kept.value { return credentials }
        return try read()
    }

    package func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        let credentials = try read()
        guard credentials != refused else {
            throw CredentialFailure(
                step: "renew credentials from \(path)", cause: "the file still holds those that were refused",
                hint: "put valid credentials into \(path)")
        }
        return credentials
    }

    private func read() throws(CredentialFailure) -> Credentials {
        let step = "read credentials from \(path)"
        let text = try SmallFile.text(at: path)
        let properties: [String: String]?
        do throws(ProfileProblem) {
            properties = try ProfileFile(text, as: .credentials).profiles[section]
        } catch {
            throw CredentialFailure(step: step, cause: "\(error)")
        }
        guard let properties else { throw CredentialFailure(step: step, cause: "there is no section [\(section)]") }
        guard let credentials = try StaticKeys.credentials(in: properties, step: step) else {
            throw CredentialFailure(step: step, cause: "the section [\(section)] has no aws_access_key_id")
        }
        kept.value = credentials
        return credentials
    }
}
