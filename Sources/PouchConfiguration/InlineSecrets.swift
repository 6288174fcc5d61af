/// Secrets that stand in the file itself, whatever section they are in.
enum InlineSecrets {
    private static let keys: Set<String> = [
        "secret-access-key", "aws-secret-access-key", "secret-key", "secret", "session-token", "aws-session-token", "token",
        "password", "passwd", "passphrase", "api-key",
    ]

    static func isSecret(key: String) -> Bool { keys.contains(key.lowercased().replacing("_", with: "-")) }

    /// A reference to the environment is no secret: it says only where one is.
    static func find(in node: ConfigurationNode) -> [LocatedProblem] {
        switch node.content {
        case .sequence(let nodes): nodes.flatMap(find)
        case .scalar(let scalar): isPrivateKey(scalar) ? [problem("a private key", at: node.mark)] : []
        case .mapping(let mapping):
            mapping.entries.flatMap { entry in
                guard isSecret(key: entry.key), let scalar = entry.value.scalar, !scalar.cameFromEnvironment else {
                    return find(in: entry.value)
                }
                return [problem("'\(Quoted.shortened(entry.key))'", at: entry.keyMark)]
            }
        }
    }

    private static func isPrivateKey(_ scalar: ConfigurationNode.Scalar) -> Bool {
        !scalar.cameFromEnvironment && scalar.text.contains("-----BEGIN ") && scalar.text.contains("PRIVATE KEY-----")
    }

    private static func problem(_ what: String, at mark: Mark) -> LocatedProblem {
        LocatedProblem(
            at: mark, "\(what) must not stand in this file",
            hint: "put the secret into a file that only the agent can read, and give the path of that file")
    }
}
