import PouchHTTP
import PouchKit
import PouchTestSupport
import SFTPDestination
import Testing

@Suite("Who the server is, and who we are", .sshd)
struct TrustAndLoginTests {
    private let partner: PartnerFolder
    private let scratch: TemporaryFolder
    private var server: SSHServer { partner.server }

    init() throws {
        partner = try PartnerFolder(try #require(RunningServer.running))
        scratch = try TemporaryFolder("trust")
    }

    private func file() throws -> TestFile { try TestFile(Array("contents".utf8), in: scratch) }

    private func knownHosts(_ text: String) throws -> SettingsPath {
        try SettingsPath(try scratch.write(text, to: "known_hosts"), in: "/")
    }

    @Test("a server whose key is another one gets nothing, and the failure names both keys")
    func changedKey() async throws {
        let impostor = try SSHServer()
        let destination = try partner.destination()
        _ = try await destination.receipt(try file(), RecordingContext("before.csv"))
        partner.relay.change { $0.target = impostor.port }
        partner.relay.cutAll()
        let failure = try await destination.failure(try file(), RecordingContext("after.csv"))
        #expect(failure.remedy == .hold && failure.code == "host-key")
        let (shown, trusted) = (try impostor.fingerprint(), try server.fingerprint())
        #expect(failure.cause.contains(shown) && failure.cause.contains(trusted))
        #expect(failure.hint?.contains("partner") == true)
        #expect(!impostor.log.contains("Accepted"), "it was logged in to")
        #expect(try partner.names() == ["before.csv"])
        let findings = await destination.check()
        #expect(findings.contains { $0.severity == .failure && $0.text.contains(shown) })
        // The partner's own server is back, and nothing has to be started again.
        partner.relay.change { [server] in $0.target = server.port }
        _ = try await destination.receipt(try file(), RecordingContext("after.csv"))
    }

    @Test(
        "of a server with several keys the pinned one is asked for, whichever it is, by fingerprint or whole",
        arguments: [SSHServer.KeyType.ed25519, .ecdsa], [true, false])
    func pinsOfTypes(type: SSHServer.KeyType, isWhole: Bool) async throws {
        let server = try SSHServer(hostKeys: [.ed25519, .ecdsa, .rsa])
        let partner = try PartnerFolder(server)
        let destination = try partner.destination {
            $0.hostKey = OneOrMore([isWhole ? try server.publicHostKey(type) : try server.fingerprint(type)])
        }
        let receipt = try await destination.receipt(try file(), RecordingContext("f.csv"))
        #expect(receipt.stages.first?.facts["hostKey"] == (try server.fingerprint(type)))
    }

    @Test("a key in known_hosts is trusted for its host and port, and for no other host")
    func knownHosts() async throws {
        let line = "[127.0.0.1]:\(partner.relay.port) \(try server.publicHostKey())\n"
        let destination = try partner.destination {
            $0.hostKey = nil
            $0.knownHosts = try knownHosts("# a comment\n" + line)
        }
        _ = try await destination.receipt(try file(), RecordingContext("f.csv"))
        for text in [
            "", "[127.0.0.1]:1 \(try server.publicHostKey())\n", "sftp.example \(try server.publicHostKey())\n",
            "@revoked " + line + line,
        ] {
            let stranger = try partner.destination {
                $0.hostKey = nil
                $0.knownHosts = try knownHosts(text)
            }
            let failure = try await stranger.failure(try file(), RecordingContext("g.csv"))
            #expect(failure.code == "host-key", "\(text): \(failure)")
        }
        #expect(try partner.names() == ["f.csv"])
    }

    @Test("a missing known_hosts trusts nobody")
    func missingKnownHosts() async throws {
        let destination = try partner.destination {
            $0.hostKey = nil
            $0.knownHosts = try SettingsPath("none", in: scratch.path)
        }
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.code == "host-key" && failure.cause.contains("none"), "\(failure)")
    }

    @Test("only where it is asked for is the first key believed, and from then on no other")
    func firstKey() async throws {
        func destination() throws -> SFTPDestination {
            try partner.destination {
                $0.hostKey = nil
                $0.knownHosts = try SettingsPath("learnt", in: scratch.path)
                $0.trustFirstKey = true
            }
        }
        _ = try await destination().receipt(try file(), RecordingContext("f.csv"))
        #expect(try scratch.text("learnt") == "[127.0.0.1]:\(partner.relay.port) \(try server.publicHostKey())\n")
        let impostor = try SSHServer()
        partner.relay.change { $0.target = impostor.port }
        let failure = try await destination().failure(try file(), RecordingContext("g.csv"))
        #expect(failure.code == "host-key", "\(failure)")
        #expect(try scratch.text("learnt").split(separator: "\n").count == 1)
    }

    @Test("a server with nothing but an RSA host key is explained where this libcurl cannot use it")
    func rsaHostKey() async throws {
        let old = try SSHServer(hostKeys: [.rsa])
        let partner = try PartnerFolder(old)
        let destination = try partner.destination { $0.hostKey = OneOrMore([try old.fingerprint(.rsa)]) }
        guard SFTPBackend.current.isLimitedToOldRSA else {
            _ = try await destination.receipt(try file(), RecordingContext("f.csv"))
            return
        }
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.remedy == .hold && failure.code == "no-common-algorithm")
        #expect(failure.hint?.contains("Ed25519") == true && failure.hint?.contains("RSA") == true, "\(failure)")
    }

    @Test("an RSA key of ours is explained where this libcurl cannot use it")
    func rsaUserKey() async throws {
        let destination = try partner.destination { $0.privateKey = try SettingsPath(server.userKey("rsa"), in: "/") }
        guard SFTPBackend.current.isLimitedToOldRSA else {
            _ = try await destination.receipt(try file(), RecordingContext("f.csv"))
            return
        }
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.remedy == .hold && failure.code == "login-denied")
        #expect(failure.hint?.contains("ssh-keygen -t ed25519") == true, "\(failure)")
        #expect(await destination.check().contains { $0.severity == .warning && $0.text.contains("RSA") })
    }

    @Test("a key that the partner does not know holds the partner, and says which it is")
    func unknownKey() async throws {
        let destination = try partner.destination { $0.privateKey = try SettingsPath(server.userKey("stranger"), in: "/") }
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.remedy == .hold && failure.code == "login-denied")
        #expect(failure.hint?.contains("SHA256:") == true, "\(failure)")
    }

    @Test("a locked key is opened by its passphrase file, and otherwise says that it needs one")
    func passphrase() async throws {
        let locked = try SettingsPath(server.userKey("locked"), in: "/")
        let right = try SettingsPath(try scratch.write("correct horse\n", to: "right"), in: "/")
        let wrong = try SettingsPath(try scratch.write("battery staple\n", to: "wrong"), in: "/")
        let opened = try partner.destination {
            $0.privateKey = locked
            $0.passphraseFile = right
        }
        _ = try await opened.receipt(try file(), RecordingContext("f.csv"))
        for (file, hint) in [(nil, "passphrase-file:"), (wrong, "passphrase must be right")] {
            let closed = try partner.destination {
                $0.privateKey = locked
                $0.passphraseFile = file
            }
            let failure = try await closed.failure(try self.file(), RecordingContext("g.csv"))
            #expect(failure.code == "login-denied" && failure.hint?.contains(hint) == true, "\(failure)")
        }
    }

    @Test("a file of secrets that cannot be read holds the partner")
    func unreadableSecret() async throws {
        let destination = try partner.destination {
            $0.privateKey = nil
            $0.passwordFile = try SettingsPath("none", in: scratch.path)
        }
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.remedy == .hold && failure.code == "secret-unusable", "\(failure)")
    }

    @Test(
        "a password that is right lets us in, and a wrong one does not",
        .enabled(if: TemporaryFolder.mayMount, "the server has accounts of its own"))
    func rightPassword() async throws {
        let server = try SSHServer(password: "correct horse")
        let partner = try PartnerFolder(server)
        func destination(_ password: String) throws -> SFTPDestination {
            try partner.destination {
                $0.privateKey = nil
                $0.passwordFile = try SettingsPath(try scratch.write(password + "\n", to: "password"), in: "/")
            }
        }
        let failure = try await destination("battery staple").failure(try file(), RecordingContext("f.csv"))
        #expect(failure.code == "login-denied", "\(failure)")
        _ = try await destination("correct horse").receipt(try file(), RecordingContext("f.csv"))
        #expect(try partner.names() == ["f.csv"])
        #expect(server.log.contains("Accepted password for partner"))
    }

    @Test("a password that is refused holds the partner, and shows nowhere")
    func password() async throws {
        let password = try SettingsPath(try scratch.write("hunter2-hunter2\n", to: "password"), in: "/")
        let destination = try partner.destination {
            $0.privateKey = nil
            $0.passwordFile = password
        }
        let failure = try await destination.failure(try file(), RecordingContext("f.csv"))
        #expect(failure.remedy == .hold && failure.code == "login-denied")
        #expect(!"\(failure)".contains("hunter2"))
    }
}
