import FoundationEssentials
import PouchFiles
import PouchKit

/// What the sandbox makes up at its first start and keeps: access keys, the key under which session tokens are sealed, the
/// token of the control endpoints. It lies in one file that only its owner may read.
package struct SandboxSecrets: Sendable, Codable {
    package struct AccessKey: Sendable, Codable {
        package let accessKey: String
        package let secretKey: String
    }

    /// 32 bytes, hexadecimal.
    private let master: String
    /// What `Authorization: Bearer` must carry at `/_sandbox/…`.
    package let controlToken: String
    /// By `<account>/<user>`.
    private var accessKeys: [String: AccessKey]

    package var masterKey: [UInt8] { Array(master.utf8) }

    /// Reads the file, adds what is new in the scenario, writes it back.
    package static func load(_ path: String, for scenario: SandboxScenario) throws -> SandboxSecrets {
        var secrets: SandboxSecrets
        do {
            let bytes = try OpenFile.open(path).readAll(limit: 16 << 20)
            secrets = try JSONDecoder().decode(SandboxSecrets.self, from: Data(bytes))
        } catch let problem as FileProblem where problem.isMissing {
            secrets = SandboxSecrets(master: randomHex(32), controlToken: randomHex(16), accessKeys: [:])
        }
        for account in scenario.accounts {
            for user in account.users where user.accessKey == nil || user.secretKey == nil {
                let name = account.id + "/" + user.name
                if secrets.accessKeys[name] == nil { secrets.accessKeys[name] = newAccessKey() }
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try DurableWrite.write(Array(try encoder.encode(secrets)), to: path, mode: 0o600)
        return secrets
    }

    package init(master: String, controlToken: String, accessKeys: [String: AccessKey]) {
        self.master = master
        self.controlToken = controlToken
        self.accessKeys = accessKeys
    }

    /// The user's key: the scenario's where it gives one, else ours.
    package func accessKey(of user: UserSettings, in account: String) -> AccessKey? {
        if let accessKey = user.accessKey, let secretKey = user.secretKey {
            return AccessKey(accessKey: accessKey, secretKey: secretKey)
        }
        return accessKeys[account + "/" + user.name]
    }

    static func randomHex(_ count: Int) -> String { Hexadecimal.text(of: randomBytes(count)) }

    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    private static func newAccessKey() -> AccessKey {
        AccessKey(accessKey: accessKeyID(prefix: "AKIA"), secretKey: String(Base64.text(of: randomBytes(30)).prefix(40)))
    }

    static func accessKeyID(prefix: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return prefix + String(randomBytes(16).map { alphabet[Int($0 & 31)] })
    }
}
