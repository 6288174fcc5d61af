import PouchConfiguration
import PouchKit
import Testing

@Suite("A sound configuration")
struct SoundConfigurationTests {
    private static let whole = """
        agent:   { name: edge-01, state: ./state, status: 127.0.0.1:9321 }
        network: { proxy: { url: "http://proxy.example:3128/", credentials: keys/proxy }, ca-file: /etc/ssl/ca.pem }
        alerts:  { command: [./page-me, --quiet, "a b"] }
        aws:     { endpoint: "https://127.0.0.1:4566", ca-file: state/ca.pem, region: eu-west-1, endpoints: { kms: "http://[::1]:1" } }
        identities:
          generator:
            role: arn:aws:iam::111111111111:role/path/generator
            external-id: acme:1
            session-name: edge-01@pouch
            duration: 1h
            from: { profile: edge, file: keys/credentials }
          publisher: { from: { environment: true } }
          auditor: { from: { file: /run/credentials/auditor } }
        partners:
          acme:
            deliver:
              with: s3-secure-inbox
              repository: { bucket: orga-repository, as: generator, segments-above: 5 GiB }
              inbox: { bucket: acme-inbox, owner: 012345678901, as: publisher }
            limits: { at-once: 16, bandwidth: 20 MB/s }
          globex: { deliver: { with: local, path: /srv/globex, as: auditor } }
        folders:
          - watch: ./drop
            recursive: false
            ready: { quiet: 5s }
            ignore: ["*.tmp", "*.part"]
            sweep: 2m
            then: { archive: ../archive, keep-for: 30d }
          - { watch: /srv/in, ready: { marker: "{name}.done" }, then: delete }
          - { watch: ./other, ready: closed, then: keep }
        routes:
          - { name: nightly, when: { folder: ./drop, path: "reports/**/{region}-*.csv", size: "< 20 GiB" }, to: [acme, globex], as: "{region}/{name}", stop: true }
          - { name: rest, to: globex }
        unmatched: quarantine

        """

    private func configuration(_ text: String = whole) throws -> AgentConfiguration {
        let outcome = SampleConfiguration(whole: text).read()
        #expect(outcome.messages == "")
        return try #require(outcome.configuration)
    }

    @Test("says who the agent is, and makes paths absolute against the folder of the file")
    func agent() throws {
        let configuration = try configuration()
        #expect(configuration.file == "/nowhere/pouch/agent.yaml")
        #expect(configuration.agent.name == "edge-01")
        #expect(configuration.agent.state.value.absolute == "/nowhere/pouch/state")
        #expect(configuration.agent.state.value.written == "./state")
        #expect(configuration.agent.state.mark == Mark(line: 1, column: 34))
        #expect(configuration.agent.status?.value.description == "127.0.0.1:9321")
        #expect(configuration.alerts?.command.value == ["/nowhere/pouch/page-me", "--quiet", "a b"])
        #expect(configuration.unmatched == .quarantine)
    }

    @Test("says how the network is reached")
    func network() throws {
        let configuration = try configuration()
        guard case .through(let proxy, let credentials) = configuration.network.proxy else {
            Issue.record("expected a proxy")
            return
        }
        #expect(proxy.value.description == "http://proxy.example:3128")
        #expect(!proxy.value.isSecure)
        #expect(credentials?.value.absolute == "/nowhere/pouch/keys/proxy")
        #expect(configuration.network.caFile?.value.absolute == "/etc/ssl/ca.pem")
        #expect(configuration.aws.region?.value == "eu-west-1")
        #expect(configuration.aws.endpoint(of: .s3)?.value.description == "https://127.0.0.1:4566")
        #expect(configuration.aws.endpoint(of: .kms)?.value.description == "http://[::1]:1")
    }

    @Test("says where credentials come from")
    func identities() throws {
        let identities = try configuration().identities
        let generator = try #require(identities[IdentityName("generator")]?.value)
        #expect(generator.role?.arn.value == "arn:aws:iam::111111111111:role/path/generator")
        #expect(generator.role?.externalID?.value == "acme:1")
        #expect(generator.role?.sessionName?.value == "edge-01@pouch")
        #expect(generator.role?.duration?.value == TimeSpan(milliseconds: 3_600_000))
        guard case .profile(let profile, let file) = generator.origin.value else {
            Issue.record("expected a profile")
            return
        }
        #expect(profile.value == "edge")
        #expect(file?.value.absolute == "/nowhere/pouch/keys/credentials")
        #expect(try identities[IdentityName("publisher")]?.value.origin.value == .environment)
        #expect(try identities[IdentityName("publisher")]?.value.role == nil)
        guard case .file(let path) = try identities[IdentityName("auditor")]?.value.origin.value else {
            Issue.record("expected a file")
            return
        }
        #expect(path.value.absolute == "/run/credentials/auditor")
    }

    @Test("keeps the settings of an adapter for the adapter, without its name")
    func partners() throws {
        let partners = try configuration().partners
        #expect(partners.map(\.name.value.description) == ["acme", "globex"])
        #expect(partners[0].adapter.value.description == "s3-secure-inbox")
        #expect(partners[0].settings.mapping?.entries.map(\.key) == ["repository", "inbox"])
        #expect(partners[0].settings.node(at: ["inbox", "owner"])?.scalar?.text == "012345678901")
        #expect(partners[0].limits.atOnce == 16)
        #expect(partners[0].limits.bandwidth == ByteRate(bytesPerSecond: 20_000_000))
        #expect(partners[1].limits.atOnce == 8)
        #expect(partners[1].limits.bandwidth == nil)
    }

    @Test("says what is watched and what becomes of the files")
    func folders() throws {
        let folders = try configuration().folders
        #expect(folders.map(\.watch.value.absolute) == ["/nowhere/pouch/drop", "/srv/in", "/nowhere/pouch/other"])
        #expect(folders.map(\.recursive) == [false, true, true])
        #expect(folders[0].ignore?.map(\.value) == ["*.tmp", "*.part"])
        #expect(folders[1].ignore == nil)
        #expect(folders.map(\.sweep.milliseconds) == [120_000, 60_000, 60_000])
        guard case .quiet(let span) = folders[0].ready, case .marker(let marker) = folders[1].ready else {
            Issue.record("expected quiet and marker")
            return
        }
        #expect(span.value.duration == .seconds(5))
        #expect(marker.value == "{name}.done")
        #expect(folders[2].ready == .closed)
        guard case .archive(let path, let keepFor) = folders[0].then.value else {
            Issue.record("expected an archive")
            return
        }
        #expect(path.absolute == "/nowhere/pouch/../archive")
        #expect(keepFor?.duration == .seconds(30 * 86_400))
        #expect(folders[1].then.value == .delete)
        #expect(folders[2].then.value == .keep)
    }

    @Test("says which drops go to whom, with the place of each pattern")
    func routes() throws {
        let routes = try configuration().routes
        #expect(routes[0].name.value.description == "nightly")
        #expect(routes[0].folder?.value == "./drop")
        #expect(routes[0].path == Located("reports/**/{region}-*.csv", at: Mark(line: 32, column: 52)))
        #expect(routes[0].size?.value == "< 20 GiB")
        #expect(routes[0].to.map(\.value.description) == ["acme", "globex"])
        #expect(routes[0].as.value == "{region}/{name}")
        #expect(routes[0].stop)
        #expect(routes[1].to.map(\.value.description) == ["globex"])
        #expect(routes[1].as.value == "{path}")
        #expect(!routes[1].stop)
        #expect(routes[1].path == nil)
    }

    @Test("needs only an agent, a partner, a folder and a route, and is named after the host")
    func isSmall() throws {
        let outcome = SampleConfiguration("agent: { state: /var/lib/pouch }").read(hostName: "Edge-7.example")
        let configuration = try #require(outcome.configuration)
        #expect(configuration.agent.name == "Edge-7.example")
        #expect(configuration.agent.status == nil)
        #expect(configuration.network.proxy == .none)
        #expect(configuration.alerts == nil)
        #expect(configuration.aws.endpoint(of: .s3) == nil)
        #expect(configuration.identities.isEmpty)
        #expect(configuration.unmatched == .hold)
    }

    @Test("must name the agent where the host has no fit name")
    func hostWithoutName() {
        let outcome = SampleConfiguration("agent: { state: /var/lib/pouch }").read(hostName: "my host")
        #expect(
            outcome.messages == """
                agent.yaml:1:8: agent: the name of this host, 'my host', is none for an agent
                hint: give it one: name: edge-01
                """)
    }

    @Test("may share settings by anchors, aliases and merge keys, and what is written itself wins")
    func merges() throws {
        let partners = try #require(
            SampleConfiguration(
                """
                partners:
                  acme: { deliver: &local { with: local, path: /srv/acme, mode: "0640" }, limits: &limits { at-once: 2 } }
                  globex: { deliver: { <<: *local, path: /srv/globex }, limits: *limits }
                routes: [{ name: all, to: [acme, globex] }]
                """
            ).read().configuration?.partners)
        #expect(partners[1].adapter.value.description == "local")
        #expect(partners[1].settings.node(at: ["path"])?.scalar?.text == "/srv/globex")
        #expect(partners[1].settings.node(at: ["mode"])?.scalar?.text == "0640")
        #expect(partners[1].limits.atOnce == 2)
    }

    @Test("may watch a folder inside one that is not watched recursively")
    func innerFolder() {
        let outcome = SampleConfiguration(
            "folders: [{ watch: ./drop, recursive: false, then: keep }, { watch: ./drop/inner, then: keep }]"
        ).read()
        #expect(outcome.messages == "")
    }
}

@Suite("A sound configuration of a publisher")
struct SoundPublisherTests {
    private static func text(_ publish: String) -> String {
        """
        agent: { name: publisher-01, state: ./state }
        publish: \(publish)
        identities: { publisher: { from: { environment: true } } }
        partners: { acme: { deliver: { with: s3-secure-inbox, inbox: { as: publisher } } } }

        """
    }

    @Test("needs no folders and no routes, and says nothing about partners that no route delivers to")
    func publisherOnly() throws {
        var isPublisherOnly = false
        let outcome = SampleConfiguration(
            whole: Self.text(
                "{ queue: \"https://sqs\", region: eu-west-1, as: publisher, partners: [acme], at-once: 4, visibility: 10s, reconcile: never, receipts: false, drain: 90s }"
            )
        ).read { parts in
            isPublisherOnly = parts.isPublisherOnly
            return []
        }
        #expect(outcome.messages == "")
        let configuration = try #require(outcome.configuration)
        #expect(configuration.isPublisherOnly && isPublisherOnly)
        let publish = try #require(configuration.publish)
        #expect(publish.queue.value == "https://sqs")
        #expect(publish.region?.value == "eu-west-1")
        #expect(publish.identity.value.description == "publisher")
        #expect(publish.partners?.map(\.value.description) == ["acme"])
        #expect(publish.atOnce == 4)
        #expect(publish.visibility.milliseconds == 10_000)
        #expect(publish.reconcile == nil)
        #expect(!publish.receipts)
        #expect(publish.drain.milliseconds == 90_000)
    }

    @Test("has receipts and reconciles every hour, unless it says otherwise")
    func standard() throws {
        let publish = try #require(
            SampleConfiguration(whole: Self.text("{ queue: q, as: publisher }")).read().configuration?.publish)
        #expect(publish.atOnce == 32)
        #expect(publish.visibility.milliseconds == 120_000)
        #expect(publish.reconcile?.milliseconds == 3_600_000)
        #expect(publish.receipts && publish.partners == nil)
        #expect(publish.drain.milliseconds == 20_000)
    }
}
