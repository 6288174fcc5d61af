import PouchKit

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`, as they were when the agent
/// started.
package struct EnvironmentCredentials: CredentialSource {
    private let result: Result<Credentials, CredentialFailure>

    package let explanation = "the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

    package var story: [CredentialStep] {
        switch result {
        case .success(let keys):
            let end = keys.expiration.map { [(name: "expire at", value: $0.description)] } ?? []
            return [CredentialStep(.environment, explanation, [("access key", keys.accessKeyID)] + end)]
        case .failure(let failure): return [CredentialStep(.environment, explanation, problem: failure)]
        }
    }

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
