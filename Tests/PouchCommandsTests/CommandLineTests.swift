import ArgumentParser
import PouchCommands
import Testing

@Suite("the command line")
struct CommandLineTests {
    /// Every command, with the words that call it.
    private static let commands: [(words: [String], configuration: CommandConfiguration)] = collect(
        PouchCommand.configuration, words: [])

    private static func collect(_ configuration: CommandConfiguration, words: [String]) -> [(
        words: [String], configuration: CommandConfiguration
    )] {
        let subcommands = configuration.subcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
        return [(words, configuration)]
            + subcommands.flatMap { collect($0.configuration, words: words + [$0.configuration.commandName ?? ""]) }
    }

    /// The documented examples: indented lines that begin with `pouch`, up to their explanation, a pipe or a redirection.
    private static let examples: [String] = commands.flatMap { command in
        command.configuration.discussion.split(separator: "\n").filter { $0.hasPrefix("  pouch ") }.map { line in
            let call = line.dropFirst("  pouch ".count)
            return String(call.prefix(upTo: call.firstRange(of: /\s{3,}| \| | 2>/)?.lowerBound ?? call.endIndex))
        }
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().flatMap { number, piece in
            number.isMultiple(of: 2) ? piece.split(separator: " ").map(String.init) : [String(piece)]
        }
    }

    @Test("documents examples for every command that a person gives")
    func hasExamples() {
        let called = Set(Self.examples.compactMap { Self.words($0).first })
        #expect(
            called.isSuperset(of: [
                "run", "send", "check", "doctor", "partner", "explain", "status", "trace", "manifest", "hold", "release", "retry",
                "sandbox",
            ]))
        #expect(Self.examples.count >= 20)
    }

    @Test("understands its own examples", arguments: examples)
    func understands(_ example: String) throws {
        let words = Self.words(example)
        let command = try PouchCommand.parseAsRoot(words)
        let name = type(of: command).configuration.commandName ?? ""
        #expect(words.contains(name) || (words == ["sandbox"] && name == "serve"), "\(name) for \(example)")
    }

    @Test("says for every command what it is good for", arguments: commands.map(\.words))
    func hasAbstracts(_ words: [String]) throws {
        let abstract = Self.commands.first { $0.words == words }?.configuration.abstract ?? ""
        #expect(abstract.hasSuffix("."), "\(abstract)")
        var help = try PouchCommand.parseAsRoot(words + ["--help"])
        let shown = try #require(throws: (any Error).self) { try help.run() }
        #expect(PouchCommand.exitCode(for: shown) == .success)
        #expect(PouchCommand.fullMessage(for: shown).contains("USAGE: " + (["pouch"] + words).joined(separator: " ")))
    }

    @Test(
        "refuses what makes no sense, with a word about it",
        arguments: [
            (["retry"], "name one delivery, or say --all"),
            (["retry", "7d1f0c33", "--all"], "name one delivery, or say --all"),
            (["send", "a.csv"], "--to"),
            (["send", "--to", "acme"], "file"),
            (["hold"], "partner"),
            (["release", "acme", "globex"], "globex"),
            (["explain"], "path"),
            (["explain", "a", "--size", "large"], "large"),
            (["run", "--log-level", "loud"], "loud"),
            (["run", "--patience", "soon"], "soon"),
            (["trace"], "text"),
            (["manifest", "burn"], "burn"),
            (["manifest", "show", "--last", "few"], "few"),
            (["sandbox", "serve", "--port", "http"], "http"),
            (["dance"], "dance"),
            (["check", "--fonfig", "x"], "fonfig"),
        ])
    func refuses(_ words: [String], _ about: String) throws {
        let error = try #require(throws: (any Error).self) { _ = try PouchCommand.parseAsRoot(words) }
        #expect(PouchCommand.exitCode(for: error) == .validationFailure)
        #expect(PouchCommand.fullMessage(for: error).contains(about), "\(PouchCommand.fullMessage(for: error))")
    }

    @Test("tells its version")
    func hasVersion() throws {
        let version = try #require(throws: (any Error).self) { _ = try PouchCommand.parseAsRoot(["--version"]) }
        #expect(PouchCommand.exitCode(for: version) == .success)
        #expect(PouchCommand.message(for: version).wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
    }
}
