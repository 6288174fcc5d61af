import Glibc
import PouchConformance
import PouchFiles
import PouchKit
import PouchPluginKit
import PouchTestSupport
import ProcessDestination
import Testing

/// The whole suite through the process adapter: what `pouch plugin new` writes, and what lies in Plugins/Examples.
///
/// One plugin after the other, a few promises at once: hundreds of programs at the same time would test the machine.
@Suite(.serialized)
struct PluginConformanceTests {
    private static let environment = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
    private static let isFull = getenv("POUCH_FULL") != nil
    /// About losing and repeating.
    private static let loss: Set<String> = [
        "no-bytes", "again-from-nothing", "nothing-before-durable", "failing-save", "taken-suffix", "taken-by-a-twin",
        "source-other-bytes", "source-rewritten", "source-not-verified",
        "check-broken", "lost-reply", "cut", "killed-anywhere", "stopped-where-replace",
    ]
    /// One promise of each kind.
    private static let essential = loss.union([
        "odd-size", "key-as-given", "key-characters", "again-from-last", "resumed-anywhere", "taken-fail", "source-emptied",
        "cancelled-at-a-save", "abandon-anywhere", "permission", "full-disk",
    ])

    @Test("a new plugin keeps every promise, unchanged", arguments: [Skeleton.Language.python, .sh])
    func skeleton(_ language: Skeleton.Language) async throws {
        let folder = try TemporaryFolder("skeleton")
        try Skeleton(AdapterName("trial"), in: language).write(to: folder.path("plugin"))
        // In sh each message costs some programs: most of the rest is for the long run.
        let promises = PluginTrialRun.promises.filter { Self.isFull || language == .python || Self.essential.contains($0.id) }
        try await expectKept(PluginFile.read(folder.path("plugin")), promises, but: ["permission", "full-disk"])
    }

    @Test(
        "the examples keep their promises",
        arguments: [
            ("webdav", []), ("rclone", ["permission", "full-disk"]),
            // A mailbox has no names.
            ("mail-notice", ["permission", "full-disk"] + named),
        ])
    func example(_ name: String, unseen: [String]) async throws {
        // The latter two start programs for whatever they do.
        let chosen = name == "webdav" ? Self.essential : Self.loss
        let promises = PluginTrialRun.promises.filter { Self.isFull || chosen.contains($0.id) }
        try await expectKept(PluginFile.read(HostileHouse.checkout + "/Plugins/Examples/" + name), promises, but: Set(unseen))
    }

    private static let named = PluginTrialRun.promises.filter { $0.policy != nil }.map(\.id)

    /// There nobody can tell whose an object is: what asks for that is quarantined, and not promised.
    @Test("rclone keeps what it can promise of a remote that keeps no metadata")
    func withoutMetadata() async throws {
        let folder = try TemporaryFolder("rclone")
        let examples = HostileHouse.checkout + "/Plugins/Examples/"
        for (source, target) in [("pouch_plugin.py", "pouch_plugin.py"), ("rclone/rclone.py", "rclone/rclone.py")] {
            _ = try folder.write(OpenFile.open(examples + source).readAll(limit: 1 << 20), to: target)
        }
        #expect(chmod(folder.path("rclone/rclone.py"), 0o755) == 0)
        let manifest = String(decoding: try OpenFile.open(examples + "rclone/plugin.yaml").readAll(limit: 1 << 20), as: UTF8.self)
        let remote = #"remote: ":chunker,remote={folder}:""#
        try folder.write(manifest.replacing(#"remote: "{folder}""#, with: remote), to: "rclone/plugin.yaml")
        let ids: Set<String> = [
            "no-bytes", "odd-size", "key-as-given", "nothing-before-durable", "failing-save", "taken-suffix", "taken-fail",
            "taken-replace", "cancelled-at-a-save", "abandon-anywhere", "stopped-where-replace",
        ]
        try await expectKept(PluginFile.read(folder.path("rclone")), PluginTrialRun.promises.filter { ids.contains($0.id) })
    }

    @Test("of a broken promise the plugin's own words, the conversation and the far end are kept, and no secret")
    func keepsakes() async throws {
        let folder = try TemporaryFolder("skeleton")
        try Skeleton(AdapterName("trial"), in: .python).write(to: folder.path("plugin"))
        let secret = "rosebud-and-more"
        let program = try folder.text("plugin/trial.py")
            .replacing(#"Failure("quarantine", "key-taken""#, with: #"Failure("retry", "key-taken""#)
            .replacing(
                "        part = self.part(delivery.delivery)\n        try:\n",
                with: """
                            part = self.part(delivery.delivery)
                            print("\(secret)", file=sys.stderr, flush=True)
                            try:

                    """)
        try folder.write(program, to: "plugin/trial.py")
        #expect(chmod(folder.path("plugin/trial.py"), 0o755) == 0)
        let manifest = try folder.text("plugin/plugin.yaml")
            .replacing("fields:\n", with: "fields:\n  word: { type: secret }\n")
            .replacing("settings: {", with: "settings: { word: { environment: WORD },")
        try folder.write(manifest, to: "plugin/plugin.yaml")
        let run = PluginTrialRun(
            try PluginFile.read(folder.path("plugin")), environment: Self.environment.merging(["WORD": secret]) { $1 },
            keeping: folder.path("kept"))
        let verdicts = await run.run(PluginTrialRun.promises.filter { ["taken-fail", "odd-size"].contains($0.id) })
        #expect(verdicts.map(\.verdict) == [.kept, .broken])
        let broken = try #require(verdicts.last)
        #expect(broken.standardError?.contains("<secret>") == true && broken.kept == folder.path("kept/taken-fail"))
        let conversation = try folder.text("kept/taken-fail/conversation.txt")
        #expect(conversation.contains("host\t{\"type\":\"deliver\"") && conversation.contains("plugin\t"))
        #expect(conversation.contains("stderr\t<secret>") && !conversation.contains(secret))
        #expect(try !folder.read("kept/taken-fail/far-end/taken.csv").isEmpty)
    }

    @Test("webdav tells what a server said that hung up in the middle of a file")
    func earlyAnswer() async throws {
        let plugin = try PluginFile.read(HostileHouse.checkout + "/Plugins/Examples/webdav")
        let harness = try await PluginHarness(plugin, environment: Self.environment)
        let bench = try Bench(harness)
        try await harness.inject(.fullDisk)
        let recorder = RecordingContext(key: try bench.key("file.bin"))
        let failure = try await bench.failure(bench.file(8 << 20).outgoing(), recorder, to: bench.destination())
        #expect(failure.code == "http-507" && failure.remedy == .retry(after: .seconds(60)), "\(failure)")
    }

    @Test(
        "a new plugin in sh that may not place a file holds the partner, and tries again where there is no room",
        arguments: [("Permission denied", .hold), ("No space left on device", .retry)] as [(String, DeliveryFailure.Remedy)])
    func refusedPlace(words: String, remedy: DeliveryFailure.Remedy) async throws {
        let folder = try TemporaryFolder("skeleton")
        try Skeleton(AdapterName("trial"), in: .sh).write(to: folder.path("plugin"))
        try folder.write("#!/bin/sh\necho 'ln: cannot link: \(words)' >&2\nexit 1\n", to: "bin/ln")
        #expect(chmod(folder.path("bin/ln"), 0o755) == 0)
        let environment = ["PATH": folder.path("bin") + ":/usr/local/bin:/usr/bin:/bin"]
        let harness = try await PluginHarness(PluginFile.read(folder.path("plugin")), environment: environment)
        let bench = try Bench(harness)
        let recorder = RecordingContext(key: try bench.key("file.bin"))
        let failure = try await bench.failure(bench.file().outgoing(), recorder, to: bench.destination())
        #expect(failure.remedy == remedy && failure.cause.contains(words), "\(failure)")
        try await bench.expectTidy()
    }

    @Test("the programs of the examples do what no far end of theirs can show")
    func units() throws {
        let folder = try TemporaryFolder("units")
        let program = HostileHouse.checkout + "/Tests/HostilePlugins/test_examples.py"
        do { try SpawnedProgram.run("/usr/bin/env", ["python3", "-B", program], output: folder.path("told")) } catch {
            Issue.record("\(error): \((try? folder.text("told")) ?? "")")
        }
    }

    @Test("a manifest of somebody else, or in a folder that others may write to, is not believed", arguments: ["owner", "folder"])
    func foreignManifest(what: String) throws {
        let folder = try TemporaryFolder("skeleton")
        try Skeleton(AdapterName("trial"), in: .python).write(to: folder.path("plugin"))
        if what == "folder" {
            #expect(chmod(folder.path("plugin"), 0o775) == 0)
        } else {
            guard geteuid() == 0 else { return print("skipped: a manifest of somebody else; only root can make one") }
            #expect(chown(folder.path("plugin/plugin.yaml"), 4_242, 4_242) == 0)
        }
        let problem = #expect(throws: SettingsProblem.self) { try PluginFile.read(folder.path("plugin")) }
        #expect(problem?.description.contains(what == "owner" ? "belongs to user 4242" : "others may write") == true)
    }

    @Test("a new plugin in Swift is built, and keeps the promises that matter most")
    func swift() async throws {
        let folder = try TemporaryFolder("skeleton")
        try Skeleton(AdapterName("swift-trial"), in: .swift).write(to: folder.path("plugin"))
        // The compiler wants a home for its caches.
        let trial = PluginTrialRun(
            try PluginFile.read(folder.path("plugin")),
            environment: Self.environment.merging(["HOME": folder.path, "PATH": getenv("PATH").map { String(cString: $0) } ?? ""]) {
                $1
            })
        try await trial.prepare()
        let ids = [
            "no-bytes", "key-characters", "killed-anywhere", "lost-reply", "taken-suffix-again", "again-from-nothing",
            "failing-save",
        ]
        let verdicts = await trial.run(PluginTrialRun.promises.filter { Self.isFull || ids.contains($0.id) })
        let broken = verdicts.filter { $0.verdict == .broken }.map { "\($0.id): \($0.reason ?? "")" }
        #expect(broken.isEmpty && verdicts.count >= ids.count)
    }

    @Test("a broken promise is found in a plugin, and told")
    func findsBroken() async throws {
        let folder = try TemporaryFolder("skeleton")
        try Skeleton(AdapterName("trial"), in: .python).write(to: folder.path("plugin"))
        let program = try folder.text("plugin/trial.py")
        try DurableWrite.write(
            Array(program.replacing("delivery.ready(key)", with: "pass").utf8), to: folder.path("plugin/trial.py"), mode: 0o755)
        let promises = PluginTrialRun.promises.filter { ["receipt", "nothing-before-durable"].contains($0.id) }
        let trial = PluginTrialRun(try PluginFile.read(folder.path("plugin")), environment: Self.environment)
        let verdicts = await trial.run(promises)
        #expect(verdicts.map(\.verdict) == [.broken, .broken])
        #expect(verdicts.allSatisfy { $0.reason?.contains("without having announced it") == true })
    }

    /// - Parameter unseen: promises that nobody can show with it. Any other must be kept, not skipped.
    private func expectKept(
        _ plugin: PluginFile, _ promises: [DestinationRequirement], but unseen: Set<String> = []
    ) async throws {
        let verdicts = await PluginTrialRun(plugin, environment: Self.environment).run(promises, atOnce: 3)
        let broken = verdicts.filter { $0.verdict == .broken }.map { "\($0.id): \($0.reason ?? "")" }
        #expect(broken == [])
        #expect(verdicts.count == promises.count)
        let skipped = verdicts.filter { $0.verdict == .skipped }.map { "\($0.id): \($0.reason ?? "")" }
        #expect(verdicts.allSatisfy { $0.verdict != .skipped || unseen.contains($0.id) }, "\(skipped)")
    }
}
