import ArgumentParser
import Foundation
import PouchAgent
import PouchJournal
import PouchKit

/// `pouch status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Says where everything is: on its way, delivered, held, quarantined, unaccounted.",
        discussion: """
            Asks the running agent; without one, reads its journal. `unaccounted` counts what is neither delivered nor waiting nor held nor
            quarantined: it is 0, or something is wrong.

            Examples:
              pouch status
              pouch status --json | jq .journal.total
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "One JSON document.") var json = false

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        let status = try await StatusSource(state: blueprint.plan.state).status()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            Terminal.print(String(decoding: try encoder.encode(StatusDocument(status)), as: UTF8.self))
        } else {
            Terminal.print(StatusText(status: status, style: .output).text)
        }
    }
}

/// Where a status comes from: the agent that runs, or the journal that it left.
struct StatusSource {
    let state: String

    func status() async throws -> AgentStatus {
        do {
            switch try ControlClient(state: state).ask(.status) {
            case .done(let text): return try JSONDecoder().decode(AgentStatus.self, from: Data(text.utf8))
            case .refused(let text, let hint): throw Refusal(text, hint: hint).told()
            case .progress, nil: break
            }
            let journal = try await Journal.openReadOnly(at: JournalPlace.path(state: state))
            return AgentStatus(isRunning: false, at: SystemClock().now, journal: try await journal.snapshot(now: SystemClock().now))
        } catch let problem as SocketProblem {
            throw Refusal("\(problem)").told()
        } catch let problem as JournalFailure {
            throw Refusal(
                problem.kind == .cannotOpen ? "there is no journal in \(state) yet" : "\(problem)",
                hint: problem.kind == .cannotOpen ? "it is made by the first `pouch run`" : nil
            ).told()
        }
    }
}

/// The JSON form: what `AgentStatus` says, with `unaccounted` computed, so that nobody has to.
private struct StatusDocument: Encodable {
    let unaccounted: Int
    let status: AgentStatus

    init(_ status: AgentStatus) {
        unaccounted = status.unaccounted
        self.status = status
    }

    private enum Key: String, CodingKey {
        case unaccounted
    }

    func encode(to encoder: any Encoder) throws {
        try status.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(unaccounted, forKey: .unaccounted)
    }
}
