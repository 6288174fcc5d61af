import PouchHTTP
import PouchKit
import SFTPDestination
import Testing

@Suite("A known_hosts file")
struct KnownHostsTests {
    private static let key = SFTPHostKey(bytes: [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 1, 7])
    private static let other = SFTPHostKey(bytes: [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 1, 8])
    private static let text = "ssh-ed25519 \(Base64.text(of: key.bytes))"

    private func trusts(_ names: String, host: String = "sftp.example", port: Int = 22) -> Bool {
        KnownHosts("\(names) \(Self.text)\n", host: host, port: port).isTrusted(Self.key)
    }

    @Test("names hosts, with ports where they are not 22, in any case, and by patterns")
    func names() {
        #expect(trusts("sftp.example"))
        #expect(trusts("SFTP.Example", host: "sftp.EXAMPLE"))
        #expect(trusts("other,sftp.example"))
        #expect(trusts("*.example") && trusts("sftp.e?ample") && trusts("*") && trusts("*s*p*e"))
        #expect(!trusts("*.exampl") && !trusts("sftp.example?") && !trusts("sftp"))
        #expect(!trusts("*.example,!sftp.example"))
        #expect(trusts("[sftp.example]:2222", port: 2_222))
        #expect(!trusts("[sftp.example]:2222") && !trusts("[sftp.example]:2222", port: 2_223))
        #expect(trusts("sftp.example", port: 2_222), "as OpenSSH: where the port has no line of its own")
    }

    /// Made by `ssh-keygen -H`.
    @Test("names hosts by their hashes")
    func hashes() {
        let hashed = "|1|GSWm6h4eCRSITqXRVpKFAs+QdBc=|OOxvDQX78oTjdcGFWem9tQLgy6w="
        #expect(trusts(hashed))
        #expect(!trusts(hashed, host: "sftp2.example") && !trusts(hashed, host: "other.example", port: 2_222))
        #expect(!trusts("|1|GSWm6h4eCRSITqXRVpKFAs+QdBc=|") && !trusts("|1||"))
    }

    @Test("trusts no revoked key, no authority, and nothing that it does not hold")
    func markers() {
        let known = KnownHosts("a \(Self.text)\n@revoked a \(Self.text)\n", host: "a", port: 22)
        #expect(!known.isTrusted(Self.key))
        #expect(!trusts("@cert-authority sftp.example"))
        #expect(!KnownHosts("a \(Self.text)", host: "a", port: 22).isTrusted(Self.other))
        #expect(
            KnownHosts("\n# a\n a\nnonsense\na ssh-rsa \(Base64.text(of: Self.key.bytes))\n", host: "a", port: 22).trusted.isEmpty)
    }

    @Test("learns a line that it reads again")
    func line() {
        for port in [22, 2_222] {
            let line = KnownHosts.line(host: "Sftp.Example", port: port, key: Self.key)
            #expect(KnownHosts(line, host: "sftp.example", port: port).isTrusted(Self.key))
        }
    }
}

@Suite("A private key file")
struct PrivateKeyFileTests {
    @Test("that is none says so")
    func noKeys() {
        #expect(PrivateKeyFile("ssh-ed25519 AAAA me@here").flaw?.contains(".pub") == true)
        #expect(PrivateKeyFile("").flaw != nil && PrivateKeyFile("PuTTY-User-Key-File-3: ssh-ed25519").flaw != nil)
        #expect(
            PrivateKeyFile("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----").flaw == "it is damaged")
    }

    @Test("tells its type by its header where it can")
    func headers() {
        #expect(PrivateKeyFile("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n").isRSA)
        #expect(PrivateKeyFile("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n").needsPassphrase)
        #expect(!PrivateKeyFile("-----BEGIN EC PRIVATE KEY-----\nMHcC\n").needsPassphrase)
        #expect(PrivateKeyFile("-----BEGIN ENCRYPTED PRIVATE KEY-----\n").needsPassphrase)
    }
}

@Suite("The library behind libcurl")
struct BackendTests {
    @Test("is asked about host keys only where it is libssh2, and is limited to old RSA before 1.11")
    func versions() {
        func backend(_ library: String) -> SFTPBackend { SFTPBackend(curl: "8.0.0", library: library) }
        #expect(backend("libssh2/1.10.0").isLimitedToOldRSA && backend("libssh2/1.9.0_DEV").isLimitedToOldRSA)
        #expect(!backend("libssh2/1.11.0").isLimitedToOldRSA && !backend("libssh2/2.0").isLimitedToOldRSA)
        #expect(backend("libssh2/1.11.1").asksAboutHostKeys && !backend("libssh/0.10.6/openssl/zlib").asksAboutHostKeys)
        #expect(!backend("").asksAboutHostKeys && backend("").description.contains("no SSH library"))
    }

    @Test("of this machine is known")
    func current() { #expect(SFTPBackend.current.description.hasPrefix("libcurl ")) }
}
