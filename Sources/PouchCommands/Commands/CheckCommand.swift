import ArgumentParser
import PouchAgent
import PouchConfiguration
import PouchKit
import PouchRouting
import PouchWatch

/// `pouch check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reads the configuration and says everything that is wrong with it. Offline.",
        discussion: """
            Touches no file and asks nobody. Exit code 0: it can be run; 78: it cannot. What a destination would refuse is found by
            `pouch doctor`.

            Examples:
              pouch check
              pouch check --config /etc/pouch/agent.yaml
            """
    )

    @OptionGroup var file: ConfigurationOption

    func run() async throws {
        let (blueprint, problems) = Blueprint.load(path: file.path)
        for problem in problems { Terminal.complain("\(problem)") }
        let errors = problems.count { $0.severity == .error }
        guard let blueprint else {
            Terminal.complain("\(errors == 1 ? "1 mistake" : "\(errors) mistakes") in \(file.path)")
            throw ExitCode.configuration
        }
        Terminal.print(Style.output.good("\(file.path) is good"))
        var table = Table()
        for folder in blueprint.plan.folders {
            table.add("folder", folder.watched.path, "files are " + FolderWords.words(for: folder.afterwards))
        }
        for partner in blueprint.plan.partners {
            let stages = partner.destination.traits.stages.map { stage in
                "\(stage.name) in \(stage.place)" + (stage.identity.map { " as \($0)" } ?? "")
            }
            let seal = partner.seal.map { [$0.recipients.status(at: SystemClock().now).words] } ?? []
            table.add("partner", "\(partner.name)", (seal + stages).joined(separator: ", then "))
        }
        if let publisher = blueprint.publisher {
            table.add("publish", publisher.queueText, "for " + publisher.partnersText)
        }
        for rule in blueprint.plan.router.rules {
            table.add("route", "\(rule.name)", "to " + rule.partners.map(\.description).joined(separator: ", "))
        }
        Terminal.print(table.rendered())
    }
}
