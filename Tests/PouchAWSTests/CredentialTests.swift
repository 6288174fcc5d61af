import FoundationEssentials
import Glibc
import PouchAWS
import PouchHTTP
import PouchKit
import Synchronization
import Testing

@Suite("Sources of credentials")
struct CredentialTests {
    @Test("the environment gives keys, a token and an expiry; half a pair is refused by name")
    func environment() async throws {
        let source = EnvironmentCredentials([
            "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
            "AWS_CREDENTIAL_EXPIRATION": "2026-11-23T15:00:00Z",
        ])
        let credentials = try await source.credentials()
        #expect(credentials.accessKeyID == "AKID")
        #expect(credentials.sessionToken?.reveal() == "t")
        #expect(credentials.expiration?.description == "2026-11-23T15:00:00.000Z")
        let half = await #expect(throws: CredentialFailure.self) {
            try await EnvironmentCredentials(["AWS_ACCESS_KEY_ID": "AKID"]).credentials()
        }
        #expect(half?.cause == "aws_secret_access_key is missing")
        await #expect(throws: CredentialFailure.self) { try await EnvironmentCredentials([:]).credentials() }
    }

    @Test("credentials never show their secrets")
    func secretsStaySecret() {
        let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: Secret("hush"), sessionToken: Secret("psst"))
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("hush"))
            #expect(!text.contains("psst"))
        }
    }

    @Test("a file is read again when what it held was refused")
    func file() async throws {
        let file = try TemporaryFile("[default]\naws_access_key_id = A\naws_secret_access_key = s\n")
        defer { withExtendedLifetime(file) {} }
        let path = file.path
        let source = CredentialsFile(path: path)
        let first = try await source.credentials()
        await #expect(throws: CredentialFailure.self) { try await source.refreshed(after: first) }
        try Data("[default]\naws_access_key_id = B\naws_secret_access_key = s\n".utf8).write(to: URL(filePath: path))
        #expect(try await source.credentials().accessKeyID == "A")
        #expect(try await source.refreshed(after: first).accessKeyID == "B")
        #expect(try await source.credentials().accessKeyID == "B")
    }

    @Test(
        "a file that is missing, has no such section or no keys is named",
        arguments: ["", "[other]\n", "[default]\nregion = x\n", "nonsense"])
    func badFile(_ text: String) async throws {
        let file = try TemporaryFile(text)
        defer { withExtendedLifetime(file) {} }
        let path = file.path
        let failure = await #expect(throws: CredentialFailure.self) { try await CredentialsFile(path: path).credentials() }
        #expect(failure?.step.contains(path) == true)
        let missing = await #expect(throws: CredentialFailure.self) { try await CredentialsFile(path: "/nowhere/x").credentials() }
        #expect(missing?.cause == "No such file or directory")
    }

    @Test(
        "a file with secrets that others may read is refused with the fix; one without may be open",
        arguments: [0o644, 0o660, 0o602])
    func openFile(_ mode: mode_t) async throws {
        let file = try TemporaryFile("[default]\naws_access_key_id = A\naws_secret_access_key = hush\n", mode: mode)
        let failure = await #expect(throws: CredentialFailure.self) { try await CredentialsFile(path: file.path).credentials() }
        #expect(failure?.step == "read the secret in \(file.path)")
        #expect(failure?.cause == "its mode is 0\(String(mode, radix: 8)): others may read or change it")
        #expect(failure?.hint?.hasPrefix("chmod 600 \(file.path);") == true)
        let settings = try TemporaryFile("[profile a]\ncredential_process = /bin/true\n", mode: mode)
        _ = try ProfileLocations(file: settings.path).read()
        let group = try TemporaryFile("[default]\naws_access_key_id = A\naws_secret_access_key = s\n", mode: 0o640)
        _ = try await CredentialsFile(path: group.path).credentials()
    }

    @Test("a profile may begin with a program, a container, an instance or a web identity")
    func profileOrigins() throws {
        let file = try ProfileFile(
            """
            [profile process]
            credential_process = /usr/bin/vault "edge 01"
            [profile container]
            role_arn = arn:aws:iam::111111111111:role/a
            credential_source = EcsContainer
            [profile instance]
            role_arn = arn:aws:iam::111111111111:role/a
            credential_source = Ec2InstanceMetadata
            [profile web]
            role_arn = arn:aws:iam::111111111111:role/web
            web_identity_token_file = /run/token
            [profile chained]
            role_arn = arn:aws:iam::111111111111:role/a
            source_profile = web
            """, as: .configuration)
        func profile(_ name: String) throws -> Profile { try Profile(name, in: file, sessionName: "pouch") }
        #expect(try profile("process").origin == .process(["/usr/bin/vault", "edge 01"]))
        #expect(try profile("process").roles.isEmpty)
        #expect(try profile("container").origin == .container)
        #expect(try profile("instance").origin == .instance)
        #expect(try profile("instance").roles.count == 1)
        let web = STS.WebIdentityRequest(role: try RoleARN("arn:aws:iam::111111111111:role/web"), sessionName: "pouch")
        #expect(try profile("web").origin == .webIdentity(web, tokenFile: "/run/token"))
        #expect(try profile("web").roles.isEmpty)
        #expect(try profile("chained").origin == .webIdentity(web, tokenFile: "/run/token"))
        #expect(try profile("chained").roles.map(\.role.description) == ["arn:aws:iam::111111111111:role/a"])
    }

    @Test("a role is asked for with its session policy and its tags")
    func policyAndTags() async throws {
        let transport = ScriptedTransport([Self.assumed(expiration: "2026-11-23T13:00:00Z")])
        let request = STS.RoleRequest(
            role: try RoleARN("arn:aws:iam::111111111111:role/a"), sessionName: "pouch", policy: #"{"a":1}"#,
            tags: [STS.Tag(key: "site", value: "edge 01")])
        _ = try await Sample.surroundings(transport).role(request, from: CountedCredentials()).credentials()
        guard case .bytes(let body) = transport.requests[0].body else {
            Issue.record("expected a form")
            return
        }
        #expect(
            String(decoding: body, as: UTF8.self).hasSuffix(
                "&Policy=%7B%22a%22%3A1%7D&Tags.member.1.Key=site&Tags.member.1.Value=edge%2001"))
    }

    @Test("the story of a chain names each step and what is wrong with it, and no secret")
    func story() throws {
        let file = try TemporaryFile(
            "[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = b\n[profile b]\naws_access_key_id = AKIDB\naws_secret_access_key = hush"
        )
        let surroundings = try Sample.surroundings(ScriptedTransport([HTTPResponse]()))
        let profile = ProfileCredentials("a", locations: ProfileLocations(file: file.path), surroundings: surroundings)
        let role = STS.RoleRequest(
            role: try RoleARN("arn:aws:iam::111111111111:role/last"), sessionName: "pouch", externalID: "psst")
        let story = surroundings.role(role, from: profile).story
        #expect(story.map(\.kind) == [.profile, .keys, .role, .role])
        #expect(story.allSatisfy { $0.problem == nil })
        #expect(story[3].details.contains { $0.name == "asked at" && $0.value == "https://sts.us-east-1.amazonaws.com" })
        for secret in ["hush", "psst"] { #expect(!"\(story)".contains(secret)) }
        let gone = ProfileCredentials("gone", locations: ProfileLocations(file: file.path), surroundings: surroundings).story
        #expect(gone.map { $0.problem?.cause } == ["there is no profile gone"])
    }

    @Test("a profile's roles are assumed one from the other, beginning with the profile that has keys")
    func profileChain() throws {
        let file = try ProfileFile(
            """
            [profile base]
            aws_access_key_id = AKID
            aws_secret_access_key = s
            [profile middle]
            role_arn = arn:aws:iam::111111111111:role/middle
            source_profile = base
            external_id = x
            [profile edge]
            role_arn = arn:aws:iam::111111111111:role/edge
            source_profile = middle
            duration_seconds = 900
            region = eu-west-1
            """, as: .configuration)
        let profile = try Profile("edge", in: file, sessionName: "pouch")
        #expect(
            profile.roles.map(\.role.description) == [
                "arn:aws:iam::111111111111:role/middle", "arn:aws:iam::111111111111:role/edge",
            ])
        #expect(profile.roles.map(\.externalID) == ["x", nil])
        #expect(profile.roles[1].duration == .seconds(900))
        #expect(profile.originName == "base")
        #expect(profile.region?.description == "eu-west-1")
        guard case .keys(let keys) = profile.origin else {
            Issue.record("expected keys")
            return
        }
        #expect(keys.accessKeyID == "AKID")
    }

    @Test(
        "a profile that leads nowhere, in a circle, or to a person is refused, and named",
        arguments: [
            (
                "[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::111111111111:role/b\nsource_profile = a",
                "a → b → a"
            ),
            ("[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = a", "names itself"),
            ("[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a", "no source_profile"),
            ("[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = gone", "there is no profile gone"),
            ("[profile a]\nrole_arn = nonsense\nsource_profile = a", "is not a name"),
            ("[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = a\nmfa_serial = x", "mfa_serial"),
            ("[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\ncredential_source = Moon", "'Moon'"),
            ("[profile a]\ncredential_process = \"/bin/x", "a quotation does not end"),
            ("[profile a]\nweb_identity_token_file = /t", "no role_arn"), ("[profile a]\nsso_session = x", "a person to log in"),
            ("[profile a]\nregion = x", "neither keys nor"),
            ("", "there is no profile a"),
        ])
    func badProfiles(_ text: String, _ expected: String) throws {
        let file = try ProfileFile(text, as: .configuration)
        let failure = #expect(throws: CredentialFailure.self) { try Profile("a", in: file, sessionName: "pouch") }
        #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
    }

    @Test("a profile that names itself as source uses its own keys for its role")
    func ownSource() throws {
        let file = try ProfileFile(
            "[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = a\naws_access_key_id = A\naws_secret_access_key = s",
            as: .configuration)
        let profile = try Profile("a", in: file, sessionName: "pouch")
        #expect(profile.roles.count == 1)
    }

    @Test("the shared files are where the environment says, else below the home folder")
    func locations() {
        let plain = ProfileLocations(environment: ["HOME": "/home/u"])
        #expect(plain.configuration == "/home/u/.aws/config")
        #expect(plain.credentials == "/home/u/.aws/credentials")
        let named = ProfileLocations(environment: ["HOME": "/home/u", "AWS_CONFIG_FILE": "/c", "AWS_SHARED_CREDENTIALS_FILE": "/d"])
        #expect(named == ProfileLocations(configuration: "/c", credentials: "/d"))
    }

    @Test("a profile with a role asks STS in the profile's region, signed with the source's keys")
    func profileRole() async throws {
        let file = try TemporaryFile(
            "[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = b\nregion = eu-central-1\n[profile b]\naws_access_key_id = AKIDB\naws_secret_access_key = s"
        )
        defer { withExtendedLifetime(file) {} }
        let path = file.path
        let transport = ScriptedTransport([Self.assumed(expiration: "2026-11-23T13:00:00Z")])
        let source = ProfileCredentials(
            "a", locations: ProfileLocations(configuration: path, credentials: nil),
            surroundings: try Sample.surroundings(transport))
        let credentials = try await source.credentials()
        #expect(credentials.accessKeyID == "ASIA")
        #expect(transport.requests[0].url == "https://sts.eu-central-1.amazonaws.com/")
        #expect(transport.requests[0].header("authorization")?.contains("AKIDB/") == true)
        guard case .bytes(let body) = transport.requests[0].body else {
            Issue.record("expected a form")
            return
        }
        #expect(
            String(decoding: body, as: UTF8.self)
                == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fa&RoleSessionName=pouch"
        )
    }

    @Test(
        "keys that are exchanged in the shared files become the role at the next refresh, and also where the old ones are refused")
    func exchangedKeys() async throws {
        func text(_ id: String) -> String {
            "[profile a]\nrole_arn = arn:aws:iam::111111111111:role/a\nsource_profile = b\n[profile b]\naws_access_key_id = \(id)\naws_secret_access_key = s"
        }
        let file = try TemporaryFile(text("AKIDONE"))
        defer { withExtendedLifetime(file) {} }
        let clock = StandingClock()
        let unknown = HTTPResponse(
            403, [], "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>unknown</Message></Error></ErrorResponse>")
        let transport = ScriptedTransport([
            Self.assumed(expiration: "2026-11-23T13:00:00Z", id: "ASIAONE"),
            Self.assumed(expiration: "2026-11-23T14:00:00Z", id: "ASIATWO", date: "Mon, 23 Nov 2026 12:46:00 GMT"), unknown,
        ])
        let source = ProfileCredentials(
            "a", locations: ProfileLocations(configuration: file.path, credentials: nil),
            surroundings: try Sample.surroundings(transport, clock: clock))
        #expect(try await source.credentials().accessKeyID == "ASIAONE")
        try file.replace(text("AKIDTWO"))
        clock.advance(by: .seconds(46 * 60))
        #expect(try await source.credentials().accessKeyID == "ASIATWO")
        #expect(transport.requests[1].header("authorization")?.contains("AKIDTWO/") == true)
        clock.advance(by: .seconds(3 * 3_600))
        let failure = await #expect(throws: CredentialFailure.self) { try await source.credentials() }
        #expect(failure?.cause.hasPrefix("InvalidClientTokenId (403)") == true)
        #expect(transport.requests.count == 3)
    }

    @Test("a role's refusal names the step, the reason and what to look at")
    func refusedRole() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                403, [],
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error><RequestId>R</RequestId></ErrorResponse>"
            )
        ])
        let source = try Self.role(transport, clock: StandingClock())
        let failure = await #expect(throws: CredentialFailure.self) { try await source.credentials() }
        #expect(failure?.step == "assume the role arn:aws:iam::111111111111:role/a")
        #expect(failure?.cause == "AccessDenied (403): not you; request R")
        #expect(failure?.hint?.contains("trust policy") == true)
        #expect(failure?.isTemporary == false)
    }

    @Test("a call that has no credentials says which step failed, and leaves the hint to whoever explains it")
    func callWithoutCredentials() async throws {
        let sts = STS(
            credentials: EnvironmentCredentials([:]), region: try Region("eu-west-1"), endpoint: nil,
            link: Sample.link(ScriptedTransport([HTTPResponse]())))
        let failure = await #expect(throws: AWSFailure.self) { try await sts.callerIdentity() }
        #expect(failure?.message == "could not read credentials from the environment: AWS_ACCESS_KEY_ID is not set")
        guard case .withoutCredentials(let reason) = failure?.origin else {
            Issue.record("expected the reason")
            return
        }
        #expect(reason.hint?.isEmpty == false)
    }

    static func assumed(expiration: String, id: String = "ASIA", date: String = "Mon, 23 Nov 2026 12:00:00 GMT") -> HTTPResponse {
        HTTPResponse(
            200, [("Date", date)],
            """
            <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
            <AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
            <Expiration>\(expiration)</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
            """)
    }

    static func role(_ transport: ScriptedTransport, clock: StandingClock) throws -> RefreshingCredentials {
        .role(
            STS.RoleRequest(role: try RoleARN("arn:aws:iam::111111111111:role/a"), sessionName: "pouch"),
            from: CountedCredentials(), region: try Region("eu-west-1"), endpoint: nil,
            link: Sample.link(transport, clock: clock))
    }
}

@Suite("Credentials that are renewed ahead of their end")
struct RefreshTests {
    @Test("they are kept until 15 minutes before the end, then exchanged")
    func renewedAhead() async throws {
        let clock = StandingClock()
        let transport = ScriptedTransport([
            CredentialTests.assumed(expiration: "2026-11-23T13:00:00Z", id: "ONE"),
            CredentialTests.assumed(expiration: "2026-11-23T14:00:00Z", id: "TWO", date: "Mon, 23 Nov 2026 12:46:00 GMT"),
        ])
        let source = try CredentialTests.role(transport, clock: clock)
        #expect(try await source.credentials().accessKeyID == "ONE")
        clock.advance(by: .seconds(44 * 60))
        #expect(try await source.credentials().accessKeyID == "ONE")
        clock.advance(by: .seconds(2 * 60))
        #expect(try await source.credentials().accessKeyID == "TWO")
        #expect(transport.requests.count == 2)
    }

    @Test("the lifetime is reckoned by the service's clock: ours may be wrong by hours")
    func foreignClock() async throws {
        let clock = StandingClock()
        let transport = ScriptedTransport([
            CredentialTests.assumed(expiration: "2026-11-23T23:00:00Z", id: "ONE", date: "Mon, 23 Nov 2026 22:00:00 GMT"),
            CredentialTests.assumed(expiration: "2026-11-24T00:00:00Z", id: "TWO", date: "Mon, 23 Nov 2026 23:00:00 GMT"),
        ])
        let source = try CredentialTests.role(transport, clock: clock)
        _ = try await source.credentials()
        clock.advance(by: .seconds(61 * 60))
        #expect(try await source.credentials().accessKeyID == "TWO")
    }

    @Test("a refresh that fails ahead of time is not noticed: the old ones go on while they last, and it is tried again later")
    func failedRefresh() async throws {
        let clock = StandingClock()
        let denied = HTTPResponse(403, [], "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
        let transport = ScriptedTransport([
            CredentialTests.assumed(expiration: "2026-11-23T13:00:00Z", id: "ONE"), denied, denied, denied,
        ])
        let source = try CredentialTests.role(transport, clock: clock)
        _ = try await source.credentials()
        clock.advance(by: .seconds(46 * 60))
        #expect(try await source.credentials().accessKeyID == "ONE")
        #expect(try await source.credentials().accessKeyID == "ONE")
        #expect(transport.requests.count == 2)
        clock.advance(by: .seconds(5 * 60))
        #expect(try await source.credentials().accessKeyID == "ONE")
        #expect(transport.requests.count == 3)
        clock.advance(by: .seconds(10 * 60))
        await #expect(throws: CredentialFailure.self) { try await source.credentials() }
        #expect(transport.requests.count == 4)
    }

    @Test("one refresh runs at a time, however many ask")
    func oneAtATime() async throws {
        let calls = Mutex(0)
        let source = RefreshingCredentials(explanation: "test", clock: StandingClock()) { () async throws(CredentialFailure) in
            calls.withLock { $0 += 1 }
            await Task.yield()
            return RefreshingCredentials.Fresh(credentials: CountedCredentials.numbered(1), lifetime: .seconds(3_600))
        }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { (try? await source.credentials()) != nil } }
            for await isThere in group { #expect(isThere) }
        }
        #expect(calls.withLock { $0 } == 1)
    }

    @Test("whoever waits for a refresh that fails tries again itself; a cancelled one stops waiting")
    func failureIsNotShared() async throws {
        let calls = Mutex(0)
        let source = RefreshingCredentials(explanation: "test", clock: StandingClock()) { () async throws(CredentialFailure) in
            let number = calls.withLock { calls in
                calls += 1
                return calls
            }
            await Task.yield()
            guard number > 1 else { throw CredentialFailure(step: "test", cause: "cancelled", isTemporary: true) }
            return RefreshingCredentials.Fresh(credentials: CountedCredentials.numbered(number), lifetime: .seconds(3_600))
        }
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 { group.addTask { (try? await source.credentials()) != nil } }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.filter { !$0 }.count == 1)
    }

    @Test("sessions that are short themselves are exchanged in their last quarter")
    func shortSessions() {
        let schedule = RefreshSchedule(obtained: .zero, lifetime: .seconds(900))
        #expect(schedule.advice(at: .zero) == .use)
        #expect(schedule.advice(at: .seconds(600)) == .use)
        #expect(schedule.advice(at: .seconds(700)) == .refreshAhead)
        #expect(schedule.advice(at: .seconds(800)) == .refreshFirst)
        #expect(schedule.advice(at: .seconds(900)) == .expired)
    }
}

/// A file that goes when the value does.
final class TemporaryFile: Sendable {
    let path = "/tmp/pouch-test-\(DeliveryID.random())"

    init(_ text: String, mode: mode_t = 0o600) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
        guard chmod(path, mode) == 0 else { throw CocoaError(.fileWriteNoPermission) }
    }

    /// Keeps the mode.
    func replace(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
