import ArgumentParser
import PouchAgent
import PouchKit

/// `pouch hold PARTNER`
struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Stops delivering to a partner; its files queue.",
        discussion: """
            What is running ends; nothing more begins until `pouch release`. Other partners go on. The hold survives a restart.

            Example:
              pouch hold acme --reason "acme moves its inbox tonight"
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "The partner.") var partner: String
    @Option(help: "Why, for whoever reads `pouch status`.") var reason = "held by a person"

    func run() async throws {
        let name = try PartnerArgument.name(partner)
        try await Asking(file: file).ask(.hold(partner: name, reason: reason))
    }
}

/// `pouch release PARTNER`
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Lets a held partner's files go on.",
        discussion: """
            Example:
              pouch release acme
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "The partner.") var partner: String

    func run() async throws { try await Asking(file: file).ask(.release(partner: PartnerArgument.name(partner))) }
}

/// `pouch retry DELIVERY | --all`
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Tries again what was held or quarantined.",
        discussion: """
            A held delivery waits again under its own id; a quarantined one becomes a new delivery that says what it retries.

            Examples:
              pouch retry 7d1f0c…
              pouch retry --all
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "The delivery's id, or its first digits (`pouch status` and `pouch trace` show it).") var delivery: String?
    @Flag(help: "Everything that is held or quarantined.") var all = false

    func validate() throws {
        guard all != (delivery != nil) else { throw ValidationError("name one delivery, or say --all") }
    }

    func run() async throws { try await Asking(file: file).ask(.retry(delivery: delivery)) }
}

/// `pouch reload [--plan]`
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Lets the running agent read its configuration again.",
        discussion: """
            The file is checked first; a bad one changes nothing. What runs ends as it began, what is queued begins by the new settings; files
            that were taken keep their partners and keys. Deliveries to a partner that is not named any more are held until it is again. The
            agent's name and state need a restart. SIGHUP does the same.

            Examples:
              pouch reload --plan       what would change, and for how many deliveries
              pouch reload
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Say what would change, and change nothing.") var plan = false

    func run() async throws {
        try await Asking(file: file).ask(.reload(onlyPlanning: plan), needsAgent: true)
    }
}

enum PartnerArgument {
    static func name(_ text: String) throws -> PartnerName {
        do {
            return try PartnerName(text)
        } catch {
            throw Refusal("\(error)", code: .validationFailure).told()
        }
    }
}

/// Asks the running agent; without one, opens the state, does what was asked, and closes it again.
struct Asking {
    let file: ConfigurationOption

    func ask(_ request: ControlRequest, needsAgent: Bool = false) async throws {
        let blueprint = try file.load(quietly: true)
        let answer: ControlAnswer
        do {
            if let told = try ControlClient(state: blueprint.plan.state).ask(request) {
                answer = told
            } else if needsAgent {
                answer = .refused(
                    text: "no agent runs in \(blueprint.plan.state)",
                    hint: "the next one reads the file when it starts; if agent.state was changed, restart the one that runs"
                )
            } else {
                answer = try await OfflineAgent(plan: blueprint.plan).answer(request)
            }
        } catch let problem as SocketProblem {
            throw Refusal("\(problem)").told()
        } catch let problem as AgentFailure {
            throw Refusal(problem.text, hint: problem.hint, code: problem.isInUse ? .inUse : .failed).told()
        }
        switch answer {
        case .done(let text): Terminal.print(text)
        case .refused(let text, let hint): throw Refusal(text, hint: hint).told()
        case .progress: break
        }
    }
}
