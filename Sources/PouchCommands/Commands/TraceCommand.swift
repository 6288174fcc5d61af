import ArgumentParser
import Foundation
import PouchAgent
package import PouchJournal
import PouchKit

/// `pouch trace FILE`
struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Tells a file's whole story: every delivery, every attempt, every answer.",
        discussion: """
            Reads the journal, whether an agent runs or not.

            Examples:
              pouch trace north-17.csv
              pouch trace reports/2026/north-17.csv
              pouch trace 7d1f0c33            a delivery's id, or its first digits
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "A path in a drop folder, a file name, or a delivery's id.") var text: String
    @Flag(help: "One JSON document.") var json = false

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        let stories: [DeliveryStory]
        do {
            let journal = try await Journal.openReadOnly(at: JournalPlace.path(state: blueprint.plan.state))
            stories = try await journal.trace(text)
        } catch {
            throw Refusal("\(error)").told()
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            Terminal.print(String(decoding: try encoder.encode(stories), as: UTF8.self))
            return
        }
        guard !stories.isEmpty else {
            throw Refusal(
                "the journal knows nothing of '\(VisibleText.escaped(text))'",
                hint: "`pouch explain` says what would happen to a file that is there now"
            ).told()
        }
        Terminal.print(stories.map { StoryText.text($0, style: .output) }.joined(separator: "\n\n"))
    }
}

/// A story for people.
package enum StoryText {
    package static func text(_ story: DeliveryStory, style: Style) -> String {
        let summary = story.summary
        var lines = [
            style.bold(summary.path) + " to \(summary.partner): " + word(summary.state, style),
            "  delivery  \(summary.id)",
            "  route     \(summary.route), key \(VisibleText.escaped(summary.key.description))",
            "  file      \(ByteText.of(summary.size))" + (story.digests.map { ", sha256 \($0.sha256)" } ?? ""),
        ]
        if let seal = story.seal {
            lines.append("  sealed    \(ByteText.of(seal.size)), sha256 \(seal.digests.sha256)")
            lines += seal.recipients.map { "            for the certificate with sha256 \($0)" }
        }
        if let retries = story.retries { lines.append("  retries   \(retries)") }
        if let line = story.manifestSequence { lines.append("  manifest  line \(line)") }
        lines.append("  story")
        lines += story.events.flatMap { event in
            // A cause and its hint are two lines; anything else that breaks a line is escaped.
            let detail = event.detail.split(separator: "\n").map { VisibleText.escaped(String($0)) }
            return ["    \(event.at)  \(event.kind)  \(detail.first ?? "")"] + detail.dropFirst().map { "        \($0)" }
        }
        if let receipt = story.receipt {
            lines.append("  proof     \(VisibleText.escaped(receipt.location)) (\(receipt.confirmation.rawValue))")
            for stage in receipt.stages {
                lines.append("    \(stage.stage)" + (stage.identity.map { " as \($0)" } ?? "") + ", \(stage.milliseconds) ms")
                lines += stage.facts.sorted { $0.key < $1.key }.map {
                    "      \(VisibleText.escaped($0.key)): \(VisibleText.escaped($0.value))"
                }
            }
        } else if let next = story.nextAttempt {
            // Due since ever: it waits for its turn, or for a person who releases the partner.
            lines.append("  next attempt \(next.seconds > 1 ? "\(next)" : "when its turn comes")")
        }
        return lines.joined(separator: "\n")
    }

    private static func word(_ state: DeliveryState, _ style: Style) -> String {
        switch state {
        case .delivered: style.good("delivered")
        case .held, .quarantined: style.bad(state.rawValue)
        default: style.careful(state.rawValue)
        }
    }
}
