import ArgumentParser
import Foundation
import PouchConfiguration
import PouchConformance
import PouchFiles
import PouchKit
import PouchPluginKit
import ProcessDestination

/// `pouch plugin test PATH`
struct PluginTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Holds a plugin to every promise that a destination keeps.",
        discussion: """
            The very suite that Pouch's own destinations are held to, and what plugins must survive besides: killed at any moment, slow,
            cancelled, hostile names, files of no bytes and of many. The manifest's `test:` says how to make a far end. Exit code 0: every
            promise that could be looked at was kept.

            Examples:
              pouch plugin test ./letterbox
              pouch plugin test ./letterbox/plugin.yaml --only lost-reply --only killed-anywhere
              pouch plugin test ./letterbox --json
              pouch plugin test ./letterbox --keep /tmp/broken     then: /tmp/broken/lost-reply/conversation.txt
            """
    )

    @Argument(help: "The manifest, or its folder.") var path: String
    @Flag(help: "One JSON document instead of lines.") var json = false
    @Option(help: "These promises only.") var only: [String] = []
    @Option(help: "A folder: of each broken promise the conversation and the far end are kept there.") var keep: String?
    @Option(help: "How many promises are looked at at once.") var atOnce = 2

    func run() async throws {
        let plugin = try read()
        let known = PluginTrialRun.promises
        if let unknown = only.first(where: { id in !known.contains { $0.id == id } }) {
            throw Refusal("there is no promise '\(unknown)'", hint: "promises: \(known.map(\.id).joined(separator: ", "))").told()
        }
        let trial = PluginTrialRun(plugin, environment: ProcessInfo.processInfo.environment, keeping: keep.map(Self.absolute))
        do { try await trial.prepare() } catch { throw Refusal("\(error)").told() }
        let (style, isQuiet) = (Style.output, json)
        if !isQuiet { Terminal.print(style.bold("\(plugin.manifest.name)") + style.faint("  \(plugin.path)")) }
        let verdicts = await trial.run(known.filter { only.isEmpty || only.contains($0.id) }, atOnce: min(max(atOnce, 1), 16)) {
            verdict in
            if !isQuiet { Self.tell(verdict, style) }
        }
        let report = PluginTestReport(plugin: plugin, verdicts: verdicts)
        if json { try Terminal.print(report.json()) } else { Terminal.print(report.summary(style)) }
        if report.broken > 0 { throw ExitCode.failed }
    }

    private func read() throws -> PluginFile {
        do {
            return try PluginFile.read(Self.absolute(path))
        } catch let problems as ConfigurationProblems {
            for problem in problems.problems { Terminal.complain("\(problem)") }
            throw ExitCode.configuration
        } catch let problem as SettingsProblem {
            throw Refusal(problem.text, hint: problem.hint, code: .configuration).told()
        }
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func tell(_ verdict: PluginTrialRun.Verdict, _ style: Style) {
        let word =
            switch verdict.verdict {
            case .kept: style.good("kept   ")
            case .broken: style.bad("BROKEN ")
            case .skipped: style.faint("skipped")
            }
        Terminal.print("  \(word) \(verdict.id): \(verdict.sentence)" + style.faint("  \(verdict.milliseconds) ms"))
        for line in verdict.reason?.split(whereSeparator: \.isNewline) ?? [] {
            Terminal.print("          \(VisibleText.escaped(String(line)))")
        }
        if let errors = verdict.standardError, !errors.isEmpty {
            Terminal.print(style.faint("          its standard error, at the end:"))
            for line in errors { Terminal.print("            \(line)") }
        }
        if let kept = verdict.kept { Terminal.print("          kept: \(VisibleText.escaped(kept))") }
    }
}

/// What a test of a plugin found.
struct PluginTestReport: Encodable {
    let plugin: String
    let path: String
    /// Of its program; the manifest pins it with this.
    let sha256: String?
    let kept: Int
    let broken: Int
    let skipped: Int
    let promises: [PluginTrialRun.Verdict]

    init(plugin: PluginFile, verdicts: [PluginTrialRun.Verdict]) {
        self.plugin = plugin.manifest.name.description
        path = plugin.path
        sha256 = plugin.programDigest.map(\.description)
        kept = verdicts.count { $0.verdict == .kept }
        broken = verdicts.count { $0.verdict == .broken }
        skipped = verdicts.count { $0.verdict == .skipped }
        promises = verdicts
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func summary(_ style: Style) -> String {
        let text = "\(kept) kept, \(broken) broken, \(skipped) skipped"
        return (broken == 0 ? style.good(text) : style.bad(text)) + (sha256.map { "\npin it:  sha256: \"\($0)\"" } ?? "")
    }
}
