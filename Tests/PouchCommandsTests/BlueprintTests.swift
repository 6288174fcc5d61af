import Foundation
import PouchAgent
import PouchCommands
import PouchConfiguration
import PouchKit
import PouchRouting
import PouchTestSupport
import PouchWatch
import Testing

/// An `agent.yaml` in a folder of its own; sections that a test says nothing about are sound and come last.
struct WrittenConfiguration {
    let folder: TemporaryFolder

    private static let sound = [
        ("agent", "agent: { name: edge-01, state: ./state }"),
        ("partners", "partners: { acme: { deliver: { with: local, path: ./inbox } } }"),
        ("folders", "folders: [{ watch: ./drop, then: keep }]"),
        ("routes", "routes: [{ name: everything, to: acme }]"),
    ]

    init(_ sections: String) throws {
        folder = try TemporaryFolder("blueprint")
        let written = sections.split(separator: "\n").filter { !$0.hasPrefix(" ") && !$0.hasPrefix("-") }
            .compactMap { $0.split(separator: ":").first.map(String.init) }
        let others = Self.sound.filter { !written.contains($0.0) }.map(\.1)
        try folder.write(sections + "\n" + others.joined(separator: "\n") + "\n", to: "agent.yaml")
    }

    func load() -> (blueprint: Blueprint?, problems: [ConfigurationProblem]) {
        Blueprint.load(path: folder.path("agent.yaml"), environment: [:])
    }

    /// As an operator sees them, without the way to the file.
    var messages: String {
        load().problems.map { $0.description.replacingOccurrences(of: folder.path + "/", with: "") }.joined(separator: "\n")
    }
}

@Suite("the configuration that comes with the source")
struct OwnConfigurationTests {
    private static let path: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/") + "/agent.yaml"
    }()

    @Test("is sound as it is, without a warning")
    func isSound() throws {
        let (blueprint, problems) = Blueprint.load(path: Self.path, environment: [:])
        #expect(problems.map(\.description) == [])
        let plan = try #require(blueprint).plan
        #expect(plan.name == "edge-01")
        #expect(plan.partners.map(\.name.description) == ["acme", "back-office"])
        #expect(plan.partners.map(\.destination.traits.adapter.description) == ["s3-secure-inbox", "local"])
        #expect(plan.partners.first?.limits.atOnce == 8)
        #expect(plan.router.rules.map(\.name.description) == ["reports", "everything-else"])
        #expect(plan.folders.map { $0.watched.path.hasSuffix("/drop") } == [true])
        #expect(plan.unmatched == .hold)
        #expect(plan.alertCommand == [])
    }

    @Test("stores under one identity and publishes under another")
    func hasTwoIdentities() throws {
        let plan = try #require(Blueprint.load(path: Self.path, environment: [:]).blueprint).plan
        let stages = try #require(plan.partners.first).destination.traits.stages
        #expect(stages.map(\.name) == [.store, .publish])
        #expect(stages.map { $0.identity?.description } == ["generator", "publisher"])
        #expect(stages.map(\.place) == ["s3://orga-repository/acme/", "s3://acme-inbox/from-orga/"])
    }

    @Test("takes the sandbox's port from the environment")
    func readsEnvironment() throws {
        let (_, problems) = Blueprint.load(path: Self.path, environment: ["POUCH_SANDBOX_PORT": "no-port"])
        #expect(problems.contains { $0.description.contains("POUCH_SANDBOX_PORT") }, "\(problems)")
    }
}

@Suite("a configuration, checked by everybody who understands a piece of it")
struct BlueprintTests {
    private static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    private func inbox(key: String = key, region: String = "eu-west-1", more: String = "") -> String {
        """
        identities: { edge: { from: { environment: true } } }
        partners:
          acme:
            deliver:
              with: s3-secure-inbox
              repository: { bucket: orga-repository, region: eu-west-1, owner: "111111111111", key: "\(Self.key)", as: edge }
              inbox:
                bucket: acme-inbox
                region: \(region)
                owner: "222222222222"
                key: "\(key)"
                as: edge\(more)
        """
    }

    @Test("is whole when nothing is wrong")
    func isWhole() throws {
        let (blueprint, problems) = try WrittenConfiguration("unmatched: ignore").load()
        #expect(problems.map(\.description) == [])
        #expect(blueprint?.plan.unmatched == .ignore)
        let (other, others) = try WrittenConfiguration(inbox()).load()
        #expect(others.map(\.description) == [])
        #expect(other?.plan.partners.first?.destination.traits.adapter.description == "s3-secure-inbox")
    }

    @Test("names the place of an identity's name that is none, and of a region without the hosts that are asked for")
    func findsWrongIdentities() throws {
        let near = try WrittenConfiguration(
            inbox().replacing("{ environment: true }", with: "{ container: { uri: \"http://10.0.0.1/x\" } }"))
        #expect(
            near.messages
                == "agent.yaml:1:49: uri: expected https, or http to this machine or to 169.254.170.2, 169.254.170.23 or "
                + "[fd00:ec2::23], found 'http://10.0.0.1/x'")
        let hosts = try WrittenConfiguration("aws: { dual-stack: true }\n" + inbox().replacing("eu-west-1", with: "us-iso-east-1"))
        #expect(
            hosts.messages.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("hint:") } == [
                "agent.yaml:7:54: region: there are no dual-stack hosts in us-iso-east-1",
                "agent.yaml:10:17: region: there are no dual-stack hosts in us-iso-east-1",
            ])
        let point = "arn:aws:s3:eu-central-1:222222222222:accesspoint/acme"
        let foreign = try WrittenConfiguration(inbox().replacing("bucket: acme-inbox", with: "bucket: \"\(point)\""))
        #expect(foreign.messages.contains("bucket: the access point is in eu-central-1, and region: says eu-west-1"))
        #expect(
            try WrittenConfiguration(
                inbox().replacing("bucket: acme-inbox", with: "bucket: \"\(point.replacing("central", with: "west"))\"")
            ).messages == "")
    }

    @Test("carries over what each folder says")
    func plansFolders() throws {
        let written = try WrittenConfiguration(
            """
            folders:
              - { watch: ./one, recursive: false, ready: { quiet: 5s }, sweep: 10s, then: delete }
              - { watch: ./two, ready: { marker: "{name}.done" }, ignore: ["*.bak"], then: { archive: ./old, keep-for: 30d } }
              - { watch: ./three, then: { archive: ./older } }
            """)
        let plan = try #require(written.load().blueprint, "\(written.messages)").plan
        let base = written.folder.path
        #expect(plan.folders.map(\.watched.path) == ["one", "two", "three"].map { base + "/" + $0 })
        #expect(
            plan.folders.map(\.afterwards) == [
                .delete, .archive(folder: base + "/old", keepFor: 2_592_000), .archive(folder: base + "/older", keepFor: nil),
            ])
        #expect(plan.folders[0].watched.ready == .quiet(.seconds(5)))
        #expect(plan.folders[0].watched.sweepEvery == .seconds(10))
        #expect(!plan.folders[0].watched.recursive)
        #expect(plan.folders[1].watched.ignore.reason(for: try DropPath("old.bak")) != nil)
    }

    @Test("tells everything that is wrong in one run, each where it stands, with the fix")
    func tellsAllAtOnce() throws {
        let written = try WrittenConfiguration(
            """
            folders:
              - { watch: ./drop, then: keep, ready: { marker: "done" }, ignore: ["*.bak", "[a"] }
            routes:
              - { name: one, to: acme, when: { path: "a/***/b", size: "< 5 XB" } }
              - { name: two, to: acme, as: "{nme}" }
              - { name: three, to: acme, when: { folder: "[" } }
              - { name: four, to: acme, as: "../{name}" }
            partners:
              acme: { deliver: { with: local, path: ./inbox, mode: "999" } }
              initech: { deliver: { with: local, path: ./other, colour: red } }
              globex: { deliver: { with: ftp, path: ./x } }
            """)
        let (blueprint, problems) = written.load()
        #expect(blueprint == nil)
        let lines = problems.filter { $0.severity == .error }.compactMap { $0.mark?.line }
        #expect(lines == lines.sorted(), "in the order of the file")
        #expect(Set(lines) == [2, 4, 5, 6, 7, 9, 10, 11])
        let messages = written.messages
        for expected in [
            "agent.yaml:2:51: marker: 'done' is not a name: {name} once, with more before or after it and no '/': {name}.done\n"
                + "hint: for example { marker: \"{name}.done\" }",
            "agent.yaml:2:79: ignore: '[a' is not a name: a pattern whose '[' is closed by a ']'",
            "agent.yaml:11:30: with: there is no destination called 'ftp'\nhint: this version has: local, process, s3-secure-inbox, sftp",
        ] {
            #expect(messages.contains(expected), "\(messages)")
        }
        #expect(problems.filter { $0.mark?.line == 4 }.count == 2, "the path and the size")
        #expect(problems.allSatisfy { $0.description.hasPrefix(written.folder.path("agent.yaml:")) })
        #expect(problems.first { $0.mark?.line == 5 }?.text.contains("character 1 of '{nme}'") == true)
    }

    @Test(
        "refuses a key that is not the full ARN of a key",
        arguments: [
            "alias/acme", "arn:aws:kms:eu-west-1:222222222222:alias/acme", "11112222-3333-4444-5555-666677778888",
            "arn:aws:kms:eu-west-1:2222:key/11112222-3333-4444-5555-666677778888",
        ])
    func refusesAlias(_ key: String) throws {
        let written = try WrittenConfiguration(inbox(key: key))
        let problem = try #require(written.load().problems.first)
        #expect(problem.mark?.description == "11:14", "\(problem)")
        #expect(problem.text.contains(key))
        #expect(written.load().blueprint == nil)
    }

    @Test("refuses a key of another region than its bucket's")
    func refusesForeignRegion() throws {
        #expect(
            try WrittenConfiguration(inbox(region: "us-east-1")).messages == """
                agent.yaml:11:14: key: the key is in eu-west-1, the bucket in us-east-1
                hint: S3 uses keys of the bucket's own region only: the key's owner can make one there
                """)
    }

    @Test("tells where the settings of an SFTP partner are wrong")
    func checksSFTPSettings() throws {
        func messages(_ more: String) throws -> String {
            try WrittenConfiguration(
                """
                partners:
                  acme:
                    deliver:
                      with: sftp
                      host: sftp.acme.example
                      user: orga
                      private-key: id
                \(more.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n"))
                """
            ).messages
        }
        #expect(try messages("host-key: \"SHA256:\(String(repeating: "A", count: 43))\"\npath: in\nsidecar: [sha256, done]") == "")
        let unsound = try messages("host-key: \"MD5:00\"\npath: ../in\nmode: \"0999\"")
        for expected in [
            "agent.yaml:8:17: host-key: 'MD5:00' is no host key", "agent.yaml:9:13: path: '../in' is no folder",
            "agent.yaml:10:13: mode: '0999' is no file mode",
        ] {
            #expect(unsound.contains(expected), "\(unsound)")
        }
        let unreadable = try messages("path: in\nsidecar: md5")
        #expect(unreadable.contains("agent.yaml:9:16: ") && unreadable.contains("sha256, done"), "\(unreadable)")
        let open = try messages("path: in")
        #expect(open.contains("nothing says which host key is the server's"), "\(open)")
    }

    @Test("finds what an adapter does not know, and what it lacks")
    func checksAdapterSettings() throws {
        let messages = try WrittenConfiguration(
            inbox(more: "\n        acl: public-read\n        storage-class: COLD\n        colour: red")
        )
        .messages
        #expect(messages.contains("agent.yaml:15:"), "\(messages)")
        #expect(messages.contains("colour"))
        let values = try WrittenConfiguration(inbox(more: "\n        acl: public-read\n        storage-class: COLD")).messages
        #expect(values.contains("agent.yaml:13:"))
        #expect(values.contains("expected bucket-owner-full-control, found 'public-read'"))
        #expect(values.contains("agent.yaml:14:"))
        #expect(values.contains("'COLD' is not a storage class"))
        let lacking = try WrittenConfiguration("partners: { acme: { deliver: { with: s3-secure-inbox } } }").messages
        #expect(lacking.contains("'repository' is missing"))
    }

    @Test(
        "refuses a local destination in a watched tree, and around one",
        arguments: [
            ("./drop/inbox", "lies inside the watched './drop'"), ("./drop", "lies inside the watched './drop'"),
            (".", "contains the watched './drop'"), ("./drop/../drop/x", "lies inside the watched './drop'"),
        ])
    func refusesWatchedDestination(_ path: String, _ words: String) throws {
        let written = try WrittenConfiguration("partners: { acme: { deliver: { with: local, path: \(path) } } }")
        try written.folder.makeFolder("drop")
        let (blueprint, problems) = written.load()
        #expect(blueprint == nil)
        let problem = try #require(problems.first)
        #expect(problem.mark?.line == 1)
        #expect(problem.text.hasPrefix("the folder of acme '"))
        #expect(problem.text.hasSuffix(words), "\(problem)")
        #expect(problem.hint?.isEmpty == false)
    }

    @Test("warns of a route that gives every drop the same key")
    func warnsOfConstantKey() throws {
        let written = try WrittenConfiguration("routes: [{ name: everything, to: acme, as: \"latest.csv\" }]")
        #expect(
            written.messages == """
                agent.yaml:1:44: warning: as: every drop of the route everything gets the same key
                hint: use {name} or {path} in it
                """)
        #expect(written.load().blueprint != nil)
    }

    @Test("says what is understood and has no effect yet")
    func warnsOfStatusPage() throws {
        let written = try WrittenConfiguration("agent: { name: edge-01, state: ./state, status: \"127.0.0.1:8080\" }")
        #expect(written.messages.contains("agent.yaml:1:"), "\(written.messages)")
        #expect(written.messages.contains("warning: status: the status page comes in a later version"))
        #expect(written.load().blueprint != nil)
    }

    @Test("is nothing for a file that is not there")
    func needsAFile() throws {
        let (blueprint, problems) = Blueprint.load(path: "/nowhere/agent.yaml", environment: [:])
        #expect(blueprint == nil)
        #expect(problems.count == 1)
        #expect(problems.first?.description.hasPrefix("/nowhere/agent.yaml: ") == true)
    }
}
