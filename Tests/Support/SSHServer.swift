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
    package let user = NSUserName()
    package let hostKeys: [KeyType]
    private let program: SpawnedProgram

    /// - Parameters:
    ///   - isReadOnly: it refuses whatever would change something.
    ///   - identity: whose host keys it has; `nil`: new ones.
    package init(
        hostKeys: [KeyType] = [.ed25519], isReadOnly: Bool = false, identity: SSHServer? = nil
    ) throws {
        folder = try TemporaryFolder("sshd")
        self.hostKeys = hostKeys
        for type in [KeyType.ed25519, .ecdsa, .rsa] { try Self.makeKey(folder.path("user_\(type.rawValue)"), type) }
        try Self.makeKey(folder.path("user_locked"), .ed25519, passphrase: "correct horse")
        try Self.makeKey(folder.path("user_stranger"), .ed25519)
        for type in hostKeys {
            if let identity {
                for ending in ["", ".pub"] {
                    try folder.write(identity.folder.read("host_\(type.rawValue)\(ending)"), to: "host_\(type.rawValue)\(ending)")
                }
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: folder.path("host_\(type.rawValue)"))
            } else {
                try Self.makeKey(folder.path("host_\(type.rawValue)"), type)
            }
        }
        let source = identity?.folder ?? folder
        let known = try ["user_ed25519", "user_ecdsa", "user_rsa", "user_locked"].map { try source.text($0 + ".pub") }.joined()
        try folder.write(known, to: "authorized_keys")
        // For the process that is root: it goes into this folder for what it does not trust itself with.
        if geteuid() == 0 { try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true) }
        (program, port) = try Self.started(in: folder, hostKeys: hostKeys, isReadOnly: isReadOnly)
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

    private static func makeKey(_ path: String, _ type: KeyType, passphrase: String = "") throws {
        let bits = type == .rsa ? ["-b", "2048"] : []
        try SpawnedProgram.run(keygen, ["-q", "-t", type.rawValue] + bits + ["-N", passphrase, "-C", "test", "-f", path])
    }

    /// The port was free a moment ago; where it is taken meanwhile, another is tried.
    private static func started(
        in folder: TemporaryFolder, hostKeys: [KeyType], isReadOnly: Bool
    ) throws -> (SpawnedProgram, UInt16) {
        for _ in 0..<5 {
            let port = try Loopback.unusedPort()
            let configuration = """
                ListenAddress 127.0.0.1
                Port \(port)
                \(hostKeys.map { "HostKey \(folder.path("host_\($0.rawValue)"))" }.joined(separator: "\n"))
                PidFile none
                AuthorizedKeysFile \(folder.path("authorized_keys"))
                PasswordAuthentication no
                KbdInteractiveAuthentication no
                PermitRootLogin prohibit-password
                StrictModes no
                UsePAM no
                MaxStartups 100:30:200
                LogLevel VERBOSE
                Subsystem sftp internal-sftp\(isReadOnly ? " -R" : "")

                """
            try folder.write(configuration, to: "sshd_config")
            try folder.write("", to: "log")
            let program = try SpawnedProgram(sshd, ["-D", "-f", folder.path("sshd_config"), "-E", folder.path("log")])
            // A log has no event to wait for.
            for _ in 0..<2_000 where program.isRunning {
                if try folder.text("log").contains("Server listening on 127.0.0.1") { return (program, port) }
                usleep(5_000)
            }
        }
        throw Problem(description: "sshd does not start: \(try folder.text("log"))")
    }
}
