import Foundation
import Glibc
import LocalDestination
import PouchFiles
import PouchKit
import Testing

@Suite("The settings of a local destination, and its check")
struct LocalSettingsTests {
    @Test("all that is wrong is told at once, each by its key")
    func problems() {
        let settings = LocalSettings(path: "", whenTaken: "overwrite", mode: "rw-r--r--", owner: "no-such-user-here:")
        #expect {
            try LocalDestination.make(settings, relativeTo: "/etc/pouch")
        } throws: { error in
            guard let refused = error as? RefusedSettings else { return false }
            return refused.problems.map(\.keyPath) == [["path"], ["when-taken"], ["mode"], ["owner"]]
                && refused.problems.allSatisfy { $0.hint != nil }
        }
    }

    @Test("a mode is octal and lets its owner read", arguments: ["0999", "1777", "0040", "64", "00640", "-640", "0o640"])
    func badModes(mode: String) {
        #expect(throws: RefusedSettings.self) { try LocalDestination.make(LocalSettings(path: "/x", mode: mode), relativeTo: "/") }
    }

    @Test(
        "an owner is a user, a group, or both, by name or number",
        arguments: ["root", "root:root", ":root", "0:0", "1000", ":1000"])
    func owners(owner: String) throws {
        _ = try LocalDestination.make(LocalSettings(path: "/x", owner: owner), relativeTo: "/")
    }

    @Test("an owner that nobody is, is refused", arguments: ["", ":", "root:", "no-such-user", ":no-such-group", "4294967295"])
    func badOwners(owner: String) {
        #expect(throws: RefusedSettings.self) {
            try LocalDestination.make(LocalSettings(path: "/x", owner: owner), relativeTo: "/")
        }
    }

    @Test("a relative path starts at the folder of the configuration")
    func relativePath() throws {
        let destination = try LocalDestination.make(LocalSettings(path: "./local//inbox/"), relativeTo: "/etc/pouch")
        #expect(destination.traits.localFolder == "/etc/pouch/local/inbox")
        #expect(destination.traits.target.description == "local:/etc/pouch/local/inbox")
        #expect(destination.traits.stages.map(\.place) == ["file:///etc/pouch/local/inbox/"])
    }

    @Test("the settings are read by the names of agent.yaml")
    func names() throws {
        let json =
            #"{"path": "/x/a", "when-taken": "fail", "mode": "0600", "create-folders": false, "mount": "/x", "sidecar": ".done", "#
            + #""fsync": false}"#
        let settings = try JSONDecoder().decode(LocalSettings.self, from: Data(json.utf8))
        let expected = LocalSettings(
            path: "/x/a", whenTaken: "fail", mode: "0600", createFolders: false, mount: "/x", sidecar: ".done", fsync: false)
        #expect(settings == expected)
    }

    @Test("files are given to the owner that was asked for")
    func givesAway() async throws {
        guard geteuid() == 0 else { return print("only root can give files away: not tested") }
        let inbox = try Inbox()
        _ = try await Consignor(inbox).send(to: inbox.destination(owner: "12345:54321"), as: "a/file.csv")
        for name in ["a", "a/file.csv"] {
            let status = try DirectoryHandle.open(inbox.path).status(of: Array(name.utf8))
            #expect(status.owner == 12_345 && status.group == 54_321)
        }
    }

    @Test("the check of a good folder finds nothing wrong and leaves nothing")
    func goodCheck() async throws {
        let inbox = try Inbox()
        let findings = try await inbox.destination().check()
        #expect(findings.allSatisfy { $0.severity != .failure } && findings.count >= 3)
        #expect(inbox.names().isEmpty)
    }

    @Test("the check tells a folder that is missing, or no folder, or open to all")
    func badCheck() async throws {
        let inbox = try Inbox()
        let missing = try await inbox.destination(createFolders: false, path: "missing").check()
        #expect(missing.map(\.severity) == [.failure] && missing.first?.hint != nil)
        #expect(try await inbox.destination(path: "missing").check().map(\.severity) == [.note])
        try inbox.put("file", "x")
        #expect(try await inbox.destination(path: "inbox/file").check().map(\.severity) == [.failure])
        #expect(chmod(inbox.path, 0o777) == 0)
        #expect(try await inbox.destination().check().contains { $0.severity == .warning && $0.text.contains("everybody") })
    }
}
