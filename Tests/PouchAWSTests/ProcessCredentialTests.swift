import PouchAWS
import PouchKit
import PouchTestSupport
import Testing

@Suite("Credentials from a program")
struct ProcessCredentialTests {
    private static let environment = ["PATH": "/usr/bin:/bin", "POUCH_TEST": "from our environment"]

    private static let document =
        #"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "9999-12-31T23:59:59Z"}"#

    @Test("are what it prints, and no shell looks at its arguments")
    func prints() async throws {
        let document = #"{"Version": 1, "AccessKeyId": "$HOME `id` *", "SecretAccessKey": "s"}"#
        let source = RefreshingCredentials.process(["/bin/echo", document], environment: Self.environment, clock: SystemClock())
        let credentials = try await source.credentials()
        #expect(credentials.accessKeyID == "$HOME `id` *")
        #expect(credentials.expiration == nil)
        let named = RefreshingCredentials.process(
            ["printf", "%s", Self.document], environment: Self.environment, clock: SystemClock())
        #expect(try await named.credentials().sessionToken?.reveal() == "t")
    }

    @Test(
        "what it does wrong is told, without what it printed",
        arguments: [
            (["/bin/sh", "-c", "echo hush; echo no vault >&2; exit 3"], "no vault"), (["/bin/echo", "hush"], "is not JSON"),
            (["/bin/echo", #"{"Version": 2, "AccessKeyId": "hush", "SecretAccessKey": "s"}"#], "it printed Version 2"),
            (["/bin/echo", #"{"AccessKeyId": "hush", "SecretAccessKey": "s"}"#], "no Version"),
            (["/bin/echo", #"{"Version": 1, "SecretAccessKey": "hush"}"#], "has no AccessKeyId"),
            (
                ["/bin/echo", #"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "hush", "Expiration": "soon"}"#],
                "Expiration is no time: 'soon'"
            ),
            (
                [
                    "/bin/echo",
                    #"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "hush", "Expiration": "2020-01-01T00:00:00Z"}"#,
                ], "had expired"
            ),
            (["/nowhere/vault"], "could not be run"), (["no-such-vault"], "it is in no folder of PATH (/usr/bin:/bin)"),
            (["/bin/sh", "-c", "kill -9 $$"], "killed by signal 9"),
            (["/bin/sh", "-c", "while echo hush hush hush; do :; done"], "it printed more than 64 KiB"),
        ])
    func failures(_ command: [String], _ expected: String) async throws {
        let failure = await #expect(throws: CredentialFailure.self) {
            try await RefreshingCredentials.process(command, environment: Self.environment, clock: SystemClock()).credentials()
        }
        #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
        #expect(failure?.description.contains("hush") == false)
        #expect(failure?.step.contains(command[0]) == true)
    }

    @Test("gets our environment and no input")
    func surroundings() async throws {
        let script = #"read line; echo "{\"Version\": 1, \"AccessKeyId\": \"$POUCH_TEST$line\", \"SecretAccessKey\": \"s\"}""#
        let source = RefreshingCredentials.process(["sh", "-c", script], environment: Self.environment, clock: SystemClock())
        #expect(try await source.credentials().accessKeyID == "from our environment")
    }

    @Test("one that takes too long is ended")
    func late() async throws {
        let clock = ManualClock()
        let source = RefreshingCredentials.process(["/bin/sleep", "1000"], environment: Self.environment, clock: clock)
        async let outcome = Self.failure(of: source)
        await clock.sleepers()
        clock.advance(by: .seconds(60))
        let failure = await outcome
        #expect(failure?.cause == "it took longer than 60 s and was ended")
        #expect(failure?.isTemporary == true)
    }

    private static func failure(of source: some CredentialSource) async -> CredentialFailure? {
        do throws(CredentialFailure) {
            _ = try await source.credentials()
            return nil
        } catch {
            return error
        }
    }

    @Test("its story does not show its arguments")
    func story() {
        let source = RefreshingCredentials.process(
            ["/usr/bin/vault", "--password=hush"], environment: Self.environment, clock: SystemClock())
        #expect(source.story.map(\.text) == ["the program /usr/bin/vault"])
        #expect(!"\(source.story)".contains("hush"))
    }
}

@Suite("A command line")
struct ShellWordsTests {
    @Test(
        "is split as a shell splits it",
        arguments: [
            ("a b  c", ["a", "b", "c"]), (#"a "b c" 'd e'"#, ["a", "b c", "d e"]), (#"a\ b"#, ["a b"]), (#"a"b"'c'"#, ["abc"]),
            (#"a '' """#, ["a", "", ""]), (#""a\"b\\c\d""#, [#"a"b\c\d"#]), (#"'a\b'"#, [#"a\b"#]), ("  a\t", ["a"]),
            (#"/x --y="$HOME *""#, ["/x", "--y=$HOME *"]),
        ])
    func split(_ text: String, _ words: [String]) throws { #expect(try ShellWords.split(text) == words) }

    @Test("without an end or without a word is refused", arguments: ["'a", "\"a", "a\\", "", "  "])
    func refused(_ text: String) { #expect(throws: ShellWords.Problem.self) { try ShellWords.split(text) } }
}
