import PouchHTTP
import PouchKit
import SFTPDestination
import Testing

@Suite("What a failure of a session means")
struct SFTPTroublesTests {
    private func troubles(_ change: (inout SFTPSettings) -> Void = { _ in }) throws -> SFTPTroubles {
        var settings = SFTPSettings(host: "sftp.globex.example", user: "orga", path: "/inbox")
        settings.privateKey = try SettingsPath("/etc/pouch/id", in: "/")
        settings.hostKey = OneOrMore(["SHA256:" + String(repeating: "A", count: 43)])
        change(&settings)
        return SFTPTroubles(attempt: "deliver f.csv", plan: try #require(settings.checked().plan), expectation: "trusted is K")
    }

    private func failure(_ kind: SFTPFailure.Kind) -> SFTPFailure {
        SFTPFailure(kind: kind, wasBegun: true, text: "the server's words")
    }

    private static let kinds: [SFTPFailure.Kind] = [
        .badRequest, .resolve, .connect, .noCommonAlgorithm, .handshake, .hostKey(nil), .login, .missing, .denied, .full, .taken,
        .unsupported, .refused, .stalled, .cut, .sourceRead, .stopped, .cancelled, .shutDown, .broken,
    ]

    @Test("is never blamed on the file, and always told with the server's words", arguments: kinds)
    func neverTheFile(kind: SFTPFailure.Kind) throws {
        for step in SFTPTroubles.Step.allCases {
            let told = try troubles().failure(failure(kind), while: step)
            #expect(told.remedy != .quarantine && told.remedy != .sourceChanged)
            #expect(told.cause.contains("the server's words") && !told.code.isEmpty && told.attempt == "deliver f.csv")
            #expect(told.remedy != .hold || told.hint != nil, "who is called needs to know what to do: \(told)")
        }
    }

    @Test(
        "passes by itself where the line or the server is to blame",
        arguments: [SFTPFailure.Kind.resolve, .connect, .handshake, .stalled, .cut, .cancelled, .shutDown, .broken])
    func passes(kind: SFTPFailure.Kind) throws {
        #expect(try troubles().failure(failure(kind), while: .upload).remedy == .retry)
    }

    @Test(
        "needs a person where trust, rights or settings are to blame",
        arguments: [SFTPFailure.Kind.badRequest, .noCommonAlgorithm, .hostKey(nil), .login, .denied, .refused, .unsupported])
    func needsAPerson(kind: SFTPFailure.Kind) throws {
        #expect(try troubles().failure(failure(kind), while: .upload).remedy == .hold)
    }

    @Test("calls nobody for a key or a secret that could not be opened for want of a descriptor")
    func shortage() throws {
        let cause = "Unable to extract public key from private key file: Unable to open private key file"
        let unopened = SFTPFailure(kind: .login, wasBegun: false, text: cause)
        var troubles = try troubles()
        #expect(troubles.failure(unopened, while: .look).remedy == .hold, "a file that nobody can read is for a person to mend")
        troubles.keyFile = PrivateKeyFile("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")
        #expect(troubles.failure(unopened, while: .look).remedy == .retry)
        #expect(troubles.failure(failure(.login), while: .look).remedy == .hold)
        #expect(troubles.secret(SettingsProblem(at: [], "no descriptor", isShortage: true)).remedy == .retry)
        #expect(troubles.secret(SettingsProblem(at: [], "it is empty")).remedy == .hold)
    }

    @Test("that is a full disk waits a minute")
    func full() throws {
        #expect(try troubles().failure(failure(.full), while: .upload).remedy == .retry(after: .seconds(60)))
    }

    @Test("names the setting that does without the step")
    func switches() throws {
        #expect(try troubles().failure(failure(.unsupported), while: .attributes).hint?.contains("mode:") == true)
        #expect(try troubles().failure(failure(.refused), while: .rename).hint?.contains("upload: direct") == true)
        #expect(try troubles().failure(failure(.denied), while: .look).hint?.contains("size-check: false") == true)
        #expect(
            try troubles { $0.makeFolders = false }.failure(failure(.missing), while: .upload).hint?.contains("make-folders")
                == true)
    }

    @Test("of RSA is explained by the library's age only where it is old")
    func rsa() throws {
        var old = try troubles()
        old.keyFile = PrivateKeyFile("-----BEGIN RSA PRIVATE KEY-----\nMII\n")
        old.backend = SFTPBackend(curl: "7.88.1", library: "libssh2/1.10.0")
        #expect(old.failure(failure(.login), while: .look).hint?.contains("SHA-1") == true)
        #expect(old.failure(failure(.noCommonAlgorithm), while: .look).hint?.contains("SHA-1") == true)
        var new = old
        new.backend = SFTPBackend(curl: "8.9.0", library: "libssh2/1.11.1")
        #expect(new.failure(failure(.login), while: .look).hint?.contains("SHA-1") == false)
        #expect(new.failure(failure(.noCommonAlgorithm), while: .look).hint?.contains("SHA-1") == false)
    }

    @Test("of a host key names what was shown and what is trusted")
    func hostKey() throws {
        let shown = SFTPHostKey(bytes: [0, 0, 0, 11] + Array("ssh-ed25519".utf8))
        let told = try troubles().failure(failure(.hostKey(shown)), while: .look)
        #expect(told.cause.contains(shown.fingerprint) && told.cause.contains("ssh-ed25519") && told.cause.contains("trusted is K"))
    }
}
