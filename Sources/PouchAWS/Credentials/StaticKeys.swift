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

    /// Whether a text in the form of the shared files holds a secret.
    static func stand(in text: String) -> Bool {
        let lower = text.lowercased()
        return lower.contains("aws_secret_access_key") || lower.contains("aws_session_token")
    }

    private static func nonEmpty(_ text: String) -> String? { text.isEmpty ? nil : text }
}
