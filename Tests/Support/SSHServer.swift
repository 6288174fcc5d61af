import Foundation
package import PouchConformance

/// A real OpenSSH server on a free port of loopback, with keys of its own, gone with the last reference. It lets in the user that runs
/// the tests, root or not, and serves the machine's own files.
package final class SSHServer: Sendable {
    package enum KeyType: String, Sendable { case ed25519, ecdsa, rsa }

    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    package let port: UInt16
    /// A folder for what a test needs beside the server.
    package let folder: TemporaryFolder
    package var host: String { "127.0.0.1" }
    package let user: String
    package let hostKeys: [KeyType]
    private let program: SpawnedProgram

    /// - Parameters:
    ///   - isReadOnly: it refuses whatever would change something.
    ///   - identity: whose host keys it has; `nil`: new ones.
    ///   - password: lets in a user of its own, `partner`, by this password instead; needs `TemporaryFolder.mayMount`.
    package init(
        hostKeys: [KeyType] = [.ed25519], isReadOnly: Bool = false, identity: SSHServer? = nil, password: String? = nil
    ) throws {
        folder = try TemporaryFolder("sshd")
        user = password == nil ? NSUserName() : "partner"
        self.hostKeys = hostKeys
        for (name, pair) in try Self.userKeys.get() { try pair.write(to: "user_" + name, in: folder) }
        for type in hostKeys {
            let name = "host_\(type.rawValue)"
            let pair = if let identity { try KeyPair(name, in: identity.folder) } else { try Self.madeKey(type) }
            try pair.write(to: name, in: folder)
        }
        let known = try ["user_ed25519", "user_ecdsa", "user_rsa", "user_locked"].map { [folder] in try folder.text($0 + ".pub") }
            .joined()
        try folder.write(known, to: "authorized_keys")
        // For the process that is root: it goes into this folder for what it does not trust itself with.
        if geteuid() == 0 { try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true) }
        if let password { try Self.writeAccounts(of: user, password: password, in: folder) }
        (program, port) = try Self.started(in: folder, hostKeys: hostKeys, isReadOnly: isReadOnly, takesPassword: password != nil)
    }

    /// Whether this machine has what is needed; a line says so where not.
    package static let isInstalled: Bool = {
        let isThere = FileManager.default.isExecutableFile(atPath: sshd) && FileManager.default.isExecutableFile(atPath: keygen)
        if !isThere { print("skipped: there is no \(sshd); ./scripts/prepare openssh-server installs it") }
        return isThere
    }()

    package func userKey(_ name: String = "ed25519") -> String { folder.path("user_" + name) }

    /// As `ssh-keygen -lf` prints it.
    package func fingerprint(_ type: KeyType = .ed25519) throws -> String {
        // A file of its own: tests that share the server ask at the same time.
        let output = "fingerprint-\(UInt64.random(in: .min ... .max))"
        try SpawnedProgram.run(
            Self.keygen, ["-lf", folder.path("host_\(type.rawValue).pub")], output: folder.path(output))
        let words = try folder.text(output).split(separator: " ")
        guard words.count > 1 else { throw Problem(description: "ssh-keygen prints no fingerprint") }
        return String(words[1])
    }

    /// The key's line in a `.pub` file: type and key.
    package func publicHostKey(_ type: KeyType = .ed25519) throws -> String {
        try folder.text("host_\(type.rawValue).pub").split(separator: " ").prefix(2).joined(separator: " ")
    }

    package var log: String { (try? folder.text("log")) ?? "" }

    private static let sshd = "/usr/sbin/sshd"
    private static let keygen = "/usr/bin/ssh-keygen"

    private struct KeyPair {
        let secret: [UInt8]
        let open: [UInt8]

        init(_ name: String, in folder: TemporaryFolder) throws {
            secret = try folder.read(name)
            open = try folder.read(name + ".pub")
        }

        func write(to name: String, in folder: TemporaryFolder) throws {
            try folder.write(open, to: name + ".pub")
            try folder.write(secret, to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path(name))
        }
    }

    /// Of the users, made once for all servers.
    private static let userKeys = Result {
        [
            "ed25519": try madeKey(.ed25519), "ecdsa": try madeKey(.ecdsa), "rsa": try madeKey(.rsa),
            "locked": try madeKey(.ed25519, passphrase: "correct horse"), "stranger": try madeKey(.ed25519),
        ]
    }

    private static func madeKey(_ type: KeyType, passphrase: String = "") throws -> KeyPair {
        let folder = try TemporaryFolder("key")
        let bits = type == .rsa ? ["-b", "2048"] : []
        try SpawnedProgram.run(
            keygen, ["-q", "-t", type.rawValue] + bits + ["-N", passphrase, "-C", "test", "-f", folder.path("key")])
        return try KeyPair("key", in: folder)
    }

    /// The machine's accounts and one more, with the identity of the user that runs the tests. OpenSSH takes passwords from PAM or from
    /// `/etc/shadow` alone.
    private static func writeAccounts(of user: String, password: String, in folder: TemporaryFolder) throws {
        try SpawnedProgram.run("/usr/bin/openssl", ["passwd", "-6", password], output: folder.path("hash"))
        let hash = try folder.text("hash").split(whereSeparator: \.isNewline).joined()
        let known = try String(contentsOfFile: "/etc/passwd", encoding: .utf8)
        try folder.write(known + "\(user):x:\(geteuid()):\(getegid())::/:/bin/sh\n", to: "passwd")
        try folder.write("\(user):\(hash):19000:0:99999:7:::\n", to: "shadow")
    }

    /// Only the server sees them: its mounts are its own.
    private static let amongOwnAccounts = """
        mount --bind "$0/passwd" /etc/passwd
        mount --bind "$0/shadow" /etc/shadow
        exec "$@"
        """

    /// The port was free a moment ago; where it is taken meanwhile, another is tried.
    private static func started(
        in folder: TemporaryFolder, hostKeys: [KeyType], isReadOnly: Bool, takesPassword: Bool
    ) throws -> (SpawnedProgram, UInt16) {
        for _ in 0..<5 {
            let port = try Loopback.unusedPort()
            let configuration = """
                ListenAddress 127.0.0.1
                Port \(port)
                \(hostKeys.map { "HostKey \(folder.path("host_\($0.rawValue)"))" }.joined(separator: "\n"))
                PidFile none
                AuthorizedKeysFile \(folder.path("authorized_keys"))
                PasswordAuthentication \(takesPassword ? "yes" : "no")
                KbdInteractiveAuthentication no
                PermitRootLogin \(takesPassword ? "yes" : "prohibit-password")
                StrictModes no
                UsePAM no
                MaxStartups 100:30:200
                LogLevel VERBOSE
                Subsystem sftp internal-sftp\(isReadOnly ? " -R" : "")

                """
            try folder.write(configuration, to: "sshd_config")
            try folder.write("", to: "log")
            let arguments = ["-D", "-f", folder.path("sshd_config"), "-E", folder.path("log")]
            let program =
                if takesPassword {
                    try SpawnedProgram(
                        "/usr/bin/unshare", ["--mount", "/bin/sh", "-ec", amongOwnAccounts, folder.path, sshd] + arguments)
                } else { try SpawnedProgram(sshd, arguments) }
            // A log has no event to wait for.
            for _ in 0..<2_000 where program.isRunning {
                if try folder.text("log").contains("Server listening on 127.0.0.1") { return (program, port) }
                usleep(5_000)
            }
        }
        throw Problem(description: "sshd does not start: \(try folder.text("log"))")
    }
}
