import PouchCrypto
import PouchFiles
import PouchKit

/// The folder of a sandbox, and what clients find in it.
struct SandboxFolder: Sendable {
    private let folder: String

    init(_ folder: String) throws(FileProblem) {
        _ = try DirectoryHandle.create(folder, mode: 0o700)
        self.folder = folder
    }

    func path(_ name: String) -> String { folder + "/" + name }

    /// A certificate for this run, from the authority that was made at the first start.
    func serverCertificate(for scenario: SandboxScenario, now: Timestamp) throws -> CertifiedKey {
        let authority = try authority(now: now)
        let regions = Set(scenario.accounts.flatMap { $0.buckets.map(\.region) + $0.keys.map(\.region) })
        let names = regions.sorted().flatMap { region in
            ["localhost", "amazonaws.com"].flatMap { domain in
                ["s3.\(region).\(domain)", "*.s3.\(region).\(domain)", "sts.\(region).\(domain)", "kms.\(region).\(domain)"]
            }
        }
        return try authority.server(names: ["*.localhost", "*.s3.localhost"] + names, now: now, validFor: .seconds(86_400 * 397))
    }

    private func authority(now: Timestamp) throws -> CertificateAuthority {
        do {
            let certificate = try OpenFile.open(path("ca.pem")).readAll(limit: 1 << 16)
            let key = try OpenFile.open(path("ca-key.pem")).readAll(limit: 1 << 16)
            return CertificateAuthority(
                CertifiedKey(
                    certificate: String(decoding: certificate, as: UTF8.self),
                    privateKey: Secret(String(decoding: key, as: UTF8.self))))
        } catch {
            guard error.isMissing else { throw error }
        }
        let authority = try CertificateAuthority(name: "Pouch sandbox", now: now, validFor: .seconds(86_400 * 3_650))
        try DurableWrite.write(Array(authority.own.privateKey.reveal().utf8), to: path("ca-key.pem"), mode: 0o600)
        try DurableWrite.write(Array(authority.own.certificate.utf8), to: path("ca.pem"), mode: 0o644)
        return authority
    }

    /// In the syntax of AWS's shared credentials file.
    func writeCredentials(of scenario: SandboxScenario, secrets: SandboxSecrets) throws(FileProblem) {
        var text = "# Written by the sandbox at each start; good for nothing outside of it.\n"
        for account in scenario.accounts {
            for user in account.users {
                guard let profile = user.profile, let key = secrets.accessKey(of: user, in: account.id) else { continue }
                text += "\n# \(user.name) of \(account.name)\n[\(profile)]\n"
                text += "aws_access_key_id = \(key.accessKey)\naws_secret_access_key = \(key.secretKey)\n"
            }
        }
        try DurableWrite.write(Array(text.utf8), to: path("credentials"), mode: 0o600)
    }
}
