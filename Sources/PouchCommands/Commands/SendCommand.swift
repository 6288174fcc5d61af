import ArgumentParser
import Foundation
import Logging
import PouchAgent
import PouchKit

/// `pouch send FILE --to PARTNER`
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Delivers one file to one partner, now, and shows how far it is.",
        discussion: """
            The file stays where it is; the delivery is journaled and recorded in the manifest like any other. The key is the file's name.
            A running agent does the work; without one, this command does it itself.

            Example:
              pouch send contracts/2026-11.pdf --to acme
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "The file.", completion: .file()) var path: String
    @Option(name: .customLong("to"), help: "The partner.") var partner: String

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        let name = try PartnerArgument.name(partner)
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        var bar = ProgressBar(
            label: VisibleText.escaped(URL(fileURLWithPath: path).lastPathComponent),
            isTerminal: Terminal.outputIsTerminal
        )
        let request = ControlRequest.send(path: absolute, partner: name)
        let answer: ControlAnswer
        do {
            let told = try ControlClient(state: blueprint.plan.state).ask(request) { progress in
                if case .progress(let sent, let total) = progress { bar.show(sent: sent, of: total) }
            }
            if let told {
                answer = told
            } else {
                answer = try await sendOurselves(request, blueprint: blueprint, bar: &bar)
            }
        } catch let problem as SocketProblem {
            throw Refusal("\(problem)").told()
        }
        bar.end()
        switch answer {
        case .done(let text): Terminal.print(text)
        case .refused(let text, let hint): throw Refusal(text, hint: hint).told()
        case .progress: break
        }
    }

    private func sendOurselves(_ request: ControlRequest, blueprint: Blueprint, bar: inout ProgressBar) async throws
        -> ControlAnswer
    {
        let progress = AsyncStream<ControlAnswer>.makeStream(bufferingPolicy: .bufferingNewest(16))
        do {
            async let answer = OfflineAgent(plan: blueprint.plan).answer(request) { step in
                progress.continuation.yield(step)
            } ended: {
                progress.continuation.finish()
            }
            for await step in progress.stream {
                if case .progress(let sent, let total) = step { bar.show(sent: sent, of: total) }
            }
            return try await answer
        } catch let problem as AgentFailure {
            throw Refusal(problem.text, hint: problem.hint, code: problem.isInUse ? .inUse : .failed).told()
        }
    }
}
