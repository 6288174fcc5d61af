import ArgumentParser
import PouchAgent
import PouchKit

/// `pouch doctor`
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Asks every destination what it would refuse, and says the fix.",
        discussion: """
            Online: it uses the identities of the configuration. What it leaves behind at a destination, it says.

            Examples:
              pouch doctor
              pouch doctor acme
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "Look at these partners only.") var partners: [String] = []

    func run() async throws {
        let blueprint = try file.load()
        let known = Set(blueprint.plan.partners.map(\.name.description))
        if let unknown = partners.first(where: { !known.contains($0) }) {
            throw Refusal("there is no partner '\(unknown)'", hint: "partners: \(known.sorted().joined(separator: ", "))").told()
        }
        let style = Style.output
        var failures = 0
        for partner in blueprint.plan.partners where partners.isEmpty || partners.contains(partner.name.description) {
            Terminal.print(style.bold("\(partner.name)") + style.faint("  \(partner.destination.traits.adapter)"))
            for finding in await partner.destination.check() {
                let sign =
                    switch finding.severity {
                    case .good: style.good("ok      ")
                    case .note: style.faint("note    ")
                    case .warning: style.careful("warning ")
                    case .failure: style.bad("FAILURE ")
                    }
                Terminal.print("  \(sign) \(finding.text)")
                if let hint = finding.hint { Terminal.print("           hint: \(hint)") }
                if finding.severity == .failure { failures += 1 }
            }
        }
        if failures > 0 { throw ExitCode.failed }
    }
}
