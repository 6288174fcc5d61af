import FoundationEssentials
import PouchCrypto
package import PouchKit
import Synchronization

/// Who has which access key, and what the sessions are that STS gave out.
///
/// Sessions are not stored: the token itself carries what it stands for, under a seal, so that a restart keeps them valid.
package final class IdentityDirectory: Sendable {
    /// A user or a role with its account.
    package struct Role: Sendable {
        package let account: String
        package let settings: RoleSettings
        package var arn: String { settings.arn(in: account) }
    }

    private struct User: Sendable {
        let caller: Caller
        let secret: Secret
    }

    private let users: [String: User]
    private let roles: [String: Role]
    private let masterKey: [UInt8]
    /// By role ARN: sessions issued before this time count as expired (a test cannot wait a quarter of an hour).
    private let expiredBefore = Mutex<[String: Timestamp]>([:])

    package init(scenario: SandboxScenario, secrets: SandboxSecrets) {
        var users: [String: User] = [:]
        var roles: [String: Role] = [:]
        for account in scenario.accounts {
            for user in account.users {
                guard let key = secrets.accessKey(of: user, in: account.id) else { continue }
                let arn = user.arn(in: account.id)
                let caller = Caller(
                    account: account.id, arn: arn, principalARN: arn, userID: Self.stableID("AIDA", arn), name: user.name,
                    isSession: false, policies: user.policies.map(\.document), sessionPolicies: [])
                users[key.accessKey] = User(caller: caller, secret: Secret(key.secretKey))
            }
            for role in account.roles {
                let role = Role(account: account.id, settings: role)
                roles[role.arn] = role
            }
        }
        self.users = users
        self.roles = roles
        masterKey = secrets.masterKey
    }

    package func role(_ arn: String) -> Role? { roles[arn] }

    /// The caller and the secret that belong to an access key.
    ///
    /// - Throws: `SignatureProblem` `.unknownKey`, `.invalidToken`, `.expiredToken`.
    package func identify(
        accessKey: String,
        sessionToken: String?,
        now: Timestamp
    ) throws(SignatureProblem) -> (caller: Caller, secret: Secret) {
        if let user = users[accessKey] {
            guard sessionToken == nil else { throw .invalidToken }
            return (user.caller, user.secret)
        }
        // Without its token nothing is known of a session's key, as at AWS.
        guard accessKey.hasPrefix("ASIA"), let sessionToken else { throw .unknownKey(accessKey) }
        guard let session = open(sessionToken), session.accessKey == accessKey, let role = roles[session.role] else {
            throw .invalidToken
        }
        let cutOff = expiredBefore.withLock { $0[session.role] }
        guard now.seconds < session.expires, cutOff.map({ session.issued >= $0.nanoseconds }) ?? true else {
            throw .expiredToken
        }
        let caller = Caller(
            account: role.account,
            arn: "arn:aws:sts::\(role.account):assumed-role/\(role.settings.name)/\(session.name)",
            principalARN: role.arn, userID: Self.stableID("AROA", role.arn) + ":" + session.name, name: role.settings.name,
            isSession: true, policies: role.settings.policies.map(\.document), sessionPolicies: session.policies,
            tags: session.tags)
        return (caller, secret(of: accessKey))
    }

    /// What AssumeRole hands out.
    package struct SessionCredentials: Sendable {
        package let accessKey: String
        package let secret: Secret
        package let token: Secret
        package let expires: Timestamp
        package let arn: String
        package let roleID: String
    }

    package func newSession(
        of role: Role,
        name: String,
        policies: [PolicyDocument],
        seconds: Int64,
        now: Timestamp,
        tags: [String: String] = [:]
    ) throws -> SessionCredentials {
        let accessKey = SandboxSecrets.accessKeyID(prefix: "ASIA")
        let session = Session(
            role: role.arn, name: name, accessKey: accessKey, issued: now.nanoseconds, expires: now.seconds + seconds,
            policies: policies, tags: tags)
        let payload = Array(try JSONEncoder().encode(session))
        let token = Base64.text(of: HMACSHA256.code(for: payload, key: masterKey) + payload)
        return SessionCredentials(
            accessKey: accessKey, secret: secret(of: accessKey), token: Secret(token),
            expires: Timestamp(seconds: session.expires),
            arn: "arn:aws:sts::\(role.account):assumed-role/\(role.settings.name)/\(name)",
            roleID: Self.stableID("AROA", role.arn) + ":" + name)
    }

    /// From now on all sessions of the role (of all roles without one) that were given out before count as expired.
    package func expireSessions(of role: String?, now: Timestamp) {
        expiredBefore.withLock { table in
            for arn in role.map({ [$0] }) ?? Array(roles.keys) { table[arn] = now }
        }
    }

    private struct Session: Codable {
        let role: String
        let name: String
        let accessKey: String
        let issued: Int64
        let expires: Int64
        let policies: [PolicyDocument]
        let tags: [String: String]
    }

    private func open(_ token: String) -> Session? {
        guard let bytes = Base64.bytes(of: token), bytes.count > 32 else { return nil }
        let payload = Array(bytes[32...])
        guard ConstantTime.isEqual(HMACSHA256.code(for: payload, key: masterKey), Array(bytes[..<32])) else { return nil }
        return try? JSONDecoder().decode(Session.self, from: Data(payload))
    }

    private func secret(of accessKey: String) -> Secret {
        let code = HMACSHA256.code(for: Array("session secret of \(accessKey)".utf8), key: masterKey)
        return Secret(String(Base64.text(of: code).prefix(40)))
    }

    private static func stableID(_ prefix: String, _ arn: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return prefix + String(SHA256Hasher.digest(of: arn).bytes.prefix(17).map { alphabet[Int($0 & 31)] })
    }
}
