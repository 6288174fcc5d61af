import Foundation
package import PouchAgent
package import PouchConfiguration
import PouchKit
import PouchRouting

/// A configuration, wired: what agent.yaml says, checked by everybody who understands a piece of it.
package struct Blueprint: Sendable {
    package let configuration: AgentConfiguration
    package let plan: AgentPlan
    let publisher: PublisherPlan?

    /// What is understood and has no effect in this version: better said than silently left undone.
    private static func notYet(_ configuration: AgentConfiguration) -> [ConfigurationProblem] {
        guard let status = configuration.agent.status else { return [] }
        return [
            configuration.decoder.problem(
                .warning,
                at: status.mark,
                "status: the status page comes in a later version",
                hint: "`pouch status` and `pouch status --json` say the same now"
            )
        ]
    }

    /// How a running agent reads the same file again.
    package static func reading(of path: String) -> PlanReading {
        { () in
            let (blueprint, problems) = load(path: path)
            guard let blueprint else {
                return .failure(UnusablePlan(problems: problems.filter { $0.severity == .error }.map(\.description)))
            }
            guard !blueprint.configuration.isPublisherOnly else {
                return .failure(UnusablePlan(problems: ["\(path) has no folders and no routes any more: it is a publisher's"]))
            }
            return .success(blueprint.plan)
        }
    }

    /// Reads and checks everything; offline. Either a blueprint, or problems of which at least one is an error.
    package static func load(
        path: String,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> (blueprint: Blueprint?, problems: [ConfigurationProblem]) {
        var assembly: Assembly?
        let outcome = ConfigurationFile.load(path: path, environment: environment) { parts in
            var made = Assembly(parts: parts)
            made.assemble()
            assembly = made
            return made.problems
        }
        guard let configuration = outcome.configuration, let assembly else { return (nil, outcome.problems) }
        let plan = AgentPlan(
            name: configuration.agent.name,
            state: configuration.agent.state.value.absolute,
            folders: assembly.folders,
            router: Router(rules: assembly.rules),
            partners: assembly.partners,
            unmatched: configuration.unmatched,
            alertCommand: configuration.alerts?.command.value ?? []
        )
        let blueprint = Blueprint(configuration: configuration, plan: plan, publisher: assembly.publisher)
        return (blueprint, outcome.problems + notYet(configuration))
    }
}
