import FoundationEssentials
import PouchKit

/// Credentials as a container's endpoint, the instance metadata service and credential processes write them.
struct CredentialDocument: Decodable {
    let version: Int?
    /// The metadata service says `Success`, or why not.
    let code: String?
    let message: String?
    private let accessKeyID: String?
    private let secretAccessKey: String?
    private let token: String?
    private let sessionToken: String?
    private let expiration: String?

    private enum CodingKeys: String, CodingKey {
        case version = "Version"
        case code = "Code"
        case message = "Message"
        case accessKeyID = "AccessKeyId"
        case secretAccessKey = "SecretAccessKey"
        case token = "Token"
        case sessionToken = "SessionToken"
        case expiration = "Expiration"
    }

    /// `nil` when the bytes are not JSON of this form. Why not is not told: the bytes may hold secrets.
    static func read(_ bytes: [UInt8]) -> CredentialDocument? {
        try? JSONDecoder().decode(CredentialDocument.self, from: Data(bytes))
    }

    /// - Parameter now: By the clock of whoever wrote the document.
    /// - Throws: `CredentialFailure` when something is missing, or the credentials have expired already.
    func fresh(step: String, now: Timestamp) throws(CredentialFailure) -> RefreshingCredentials.Fresh {
        guard let accessKeyID, !accessKeyID.isEmpty, let secretAccessKey, !secretAccessKey.isEmpty else {
            throw CredentialFailure(step: step, cause: "the answer has no AccessKeyId or no SecretAccessKey")
        }
        var end: Timestamp?
        if let expiration {
            guard let time = WireDate.iso8601(expiration) else {
                throw CredentialFailure(
                    step: step, cause: "the answer's Expiration is no time: '\(VisibleText.escaped(expiration))'",
                    hint: "such as 2026-11-23T14:05:09Z")
            }
            guard time > now else {
                throw CredentialFailure(step: step, cause: "the credentials had expired at \(time) when they were handed out")
            }
            end = time
        }
        return RefreshingCredentials.Fresh(
            credentials: Credentials(
                accessKeyID: accessKeyID, secretAccessKey: Secret(secretAccessKey),
                sessionToken: (sessionToken ?? token).map(Secret.init), expiration: end),
            lifetime: end.map { now.duration(to: $0) } ?? RefreshingCredentials.Fresh.endless)
    }
}
