import PouchKit

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

    package var story: [CredentialStep] {
        do throws(CredentialFailure) {
            return [CredentialStep(.file, explanation, [("access key", try read().accessKeyID)])]
        } catch {
            return [CredentialStep(.file, explanation, problem: error)]
        }
    }

    package func credentials() async throws(CredentialFailure) -> Credentials {
        if let credentials = kept.value { return credentials }
        let credentials = try read()
        kept.value = credentials
        return credentials
    }

    package func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        let credentials = try read()
        guard credentials != refused else {
            throw CredentialFailure(
                step: "renew credentials from \(path)", cause: "the file still holds those that were refused",
                hint: "put valid credentials into \(path)")
        }
        kept.value = credentials
        return credentials
    }

    private func read() throws(CredentialFailure) -> Credentials {
        let step = "read credentials from \(path)"
        let text = try SmallFile.text(at: path, isSecret: StaticKeys.stand(in:))
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
        return credentials
    }
}
