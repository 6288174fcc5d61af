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
        "source-other-bytes",
        "check-broken", "lost-reply", "cut", "killed-anywhere",
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
        try await expectKept(PluginFile.read(folder.path("plugin")), promises)
    }

    @Test("the examples keep their promises", arguments: ["webdav", "rclone", "mail-notice"])
    func example(_ name: String) async throws {
        // The latter two start programs for whatever they do.
        let chosen = name == "webdav" ? Self.essential : Self.loss
        let promises = PluginTrialRun.promises.filter { Self.isFull || chosen.contains($0.id) }
        try await expectKept(PluginFile.read(HostileHouse.checkout + "/Plugins/Examples/" + name), promises)
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

    private func expectKept(_ plugin: PluginFile, _ promises: [DestinationRequirement]) async throws {
        let verdicts = await PluginTrialRun(plugin, environment: Self.environment).run(promises, atOnce: 3)
        let broken = verdicts.filter { $0.verdict == .broken }.map { "\($0.id): \($0.reason ?? "")" }
        #expect(broken == [])
        #expect(verdicts.count == promises.count)
        #expect(verdicts.contains { $0.verdict == .kept })
    }
}
