import ArgumentParser
import Foundation
import PouchAgent
import PouchConfiguration
import PouchKit

/// `pouch doctor`
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Proves what each destination permits and what it refuses, and prints the fix for what is missing.",
        discussion: """
            Online: it uses the identities of the configuration. A Secure Inbox is walked step by step with an empty object; the first step that
            fails is named, with the statement to add and who must add it. Then it tries what must be refused. What it leaves behind, it
            says: empty objects below .pouch-probe/. Exit code 1: something fails, or somebody can do what nobody should.

            Examples:
              pouch doctor
              pouch doctor acme
              pouch doctor acme --json
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "Look at these partners only.") var partners: [String] = []
    @Flag(help: "One JSON object a partner: the steps and the attestation.") var json = false

    func run() async throws {
        let blueprint = try file.load(quietly: json)
        guard !blueprint.configuration.isPublisherOnly else {
            throw Refusal(
                "\(file.path) has no folders and no routes: it is a publisher's, and there is no way of a delivery to walk",
                hint: "run `pouch doctor` with the agent's file; `pouch publish --once` tries the publisher's own way"
            ).told()
        }
        let known = Set(blueprint.plan.partners.map(\.name.description))
        if let unknown = partners.first(where: { !known.contains($0) }) {
            throw Refusal("there is no partner '\(unknown)'", hint: "partners: \(known.sorted().joined(separator: ", "))").told()
        }
        var hasFailed = false
        for partner in blueprint.plan.partners where partners.isEmpty || partners.contains(partner.name.description) {
            let sealing = partner.seal?.recipients.status(at: SystemClock().now).findings ?? []
            let report = DoctorReport(
                partner: partner.name, adapter: partner.destination.traits.adapter,
                findings: await sealing + partner.destination.check(), at: SystemClock().now)
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                Terminal.print(String(decoding: try encoder.encode(report), as: UTF8.self))
            } else {
                Terminal.print(report.text(Style.output))
            }
            hasFailed = hasFailed || report.hasFailed
        }
        if hasFailed { throw ExitCode.failed }
    }
}
