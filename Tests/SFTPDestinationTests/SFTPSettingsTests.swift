import FoundationEssentials
import PouchKit
import SFTPDestination
import Testing

@Suite("The settings of an SFTP destination")
struct SFTPSettingsTests {
    private static let pin = "SHA256:" + String(repeating: "A", count: 43)

    private func sound(_ change: (inout SFTPSettings) -> Void = { _ in }) throws -> SFTPSettings {
        var settings = SFTPSettings(host: "sftp.globex.example", user: "orga", path: "/inbox")
        settings.privateKey = try SettingsPath("keys/id", in: "/etc/pouch")
        settings.hostKey = OneOrMore([Self.pin])
        change(&settings)
        return settings
    }

    private func problems(_ change: (inout SFTPSettings) -> Void) throws -> [String] {
        try sound(change).checked().problems.map { $0.keyPath.joined(separator: ".") }
    }

    @Test("are read by the names of agent.yaml")
    func names() throws {
        let json = """
            {"host": "h", "port": 2222, "user": "u", "private-key": "/k", "passphrase-file": "/p", "host-key": ["\(Self.pin)", "b"],
             "path": "in", "when-taken": "fail", "upload": "staging", "staging": "tmp", "mode": "0600", "mtime": true,
             "sidecar": "sha256", "make-folders": false, "size-check": true, "look-first": false, "resume": false, "sessions": 2,
             "connect-timeout": "5s", "timeout": "30s"}
            """
        let settings = try JSONDecoder().decode(SFTPSettings.self, from: Data(json.utf8))
        #expect(settings.port == 2_222 && settings.privateKey?.absolute == "/k" && settings.passphraseFile?.absolute == "/p")
        #expect(settings.hostKey?.elements == [Self.pin, "b"] && settings.sidecar?.elements == [.sha256])
        #expect(settings.upload == .staging && settings.staging == "tmp" && settings.whenTaken == .fail)
        #expect(settings.lookFirst == false && settings.resume == false && settings.makeFolders == false && settings.mtime == true)
        #expect(settings.timeout == TimeSpan(milliseconds: 30_000) && settings.connectTimeout == TimeSpan(milliseconds: 5_000))
    }

    @Test("need no more than a host, a user, a key, a host key and a path")
    func least() throws {
        let plan = try #require(try sound().checked().plan)
        let traits = SFTPDestination(plan) { _ throws(SettingsProblem) in Secret("") }.traits
        #expect(traits.stages.map(\.place) == ["sftp://orga@sftp.globex.example:22/inbox/"])
        #expect(traits.target.description == "sftp:orga@sftp.globex.example:22:/inbox")
        #expect(traits.localFolder == nil && traits.largestFile == nil)
    }

    @Test("never leave the host key open, and know one way to say it")
    func hostKeys() throws {
        #expect(try problems { $0.hostKey = nil } == [""])
        #expect(try problems { $0.knownHosts = try? SettingsPath("/kh", in: "/") } == ["host-key"])
        #expect(try problems { $0.trustFirstKey = true } == ["trust-first-key"])
        for text in ["SHA256:short", "MD5:00:11", "ssh-ed25519", "ssh-ed25519 ????", "", "*"] {
            #expect(try problems { $0.hostKey = OneOrMore([text]) } == ["host-key"], "\(text)")
        }
        #expect(try problems { $0.hostKey = OneOrMore([]) } == ["host-key"])
        #expect(try problems { $0.hostKey = OneOrMore([Self.pin + "="]) } == [])
    }

    @Test("know one way to log in")
    func logins() throws {
        #expect(try problems { $0.privateKey = nil } == [""])
        #expect(try problems { $0.agent = true } == [""])
        #expect(try problems { ($0.privateKey, $0.agent) = (nil, true) } == [])
        #expect(
            try problems {
                $0.passphraseFile = $0.privateKey
                ($0.privateKey, $0.agent) = (nil, true)
            } == ["passphrase-file"])
    }

    @Test("take paths in the server's words, and none that climbs", arguments: ["", "~", "~/in", "/in/../x", "..", "a\nb"])
    func badPaths(path: String) throws {
        #expect(try problems { $0.path = path } == ["path"])
        #expect(
            try problems {
                $0.upload = .staging
                $0.staging = path
            } == ["staging"])
    }

    @Test(
        "name the login's folder by a dot, and the same folder always alike",
        arguments: [(".", "/~/"), ("./in//box/", "/~/in/box/"), ("/", "/"), ("//in/./box", "/in/box/"), ("ü b", "/~/%C3%BC%20b/")])
    func paths(path: String, place: String) throws {
        let plan = try #require(try sound { $0.path = path }.checked().plan)
        let traits = SFTPDestination(plan) { _ throws(SettingsProblem) in Secret("") }.traits
        #expect(traits.stages.map(\.place) == ["sftp://orga@sftp.globex.example:22" + place])
    }

    @Test("tell all that is wrong at once, each by its key")
    func all() throws {
        let found = try problems {
            $0.host = "sftp://x"
            $0.port = 0
            $0.user = ""
            $0.staging = "x"
            $0.mode = "rw-r--r--"
            $0.sizeCheck = false
            $0.resume = true
            $0.sessions = 0
            $0.timeout = TimeSpan(milliseconds: 1)
        }
        #expect(Set(found) == ["host", "port", "user", "staging", "mode", "resume", "sessions", "timeout"])
        #expect(try problems { $0.upload = .staging } == ["upload"])
    }

    @Test("without a size check nothing is gone on with")
    func resume() throws {
        #expect(try sound { $0.sizeCheck = false }.checked().plan?.resumes == false)
        #expect(try sound().checked().plan?.resumes == true)
    }
}
