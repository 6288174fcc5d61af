import ArgumentParser
import Foundation
import PouchSandbox

/// `pouch sandbox scenario`
struct SandboxScenarioCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario",
        abstract: "Prints the two organisations as a scenario file, to change and to give to `sandbox serve --scenario`.",
        discussion: """
            Accounts with their users, roles, keys and buckets, and under `federation` what else may become a role: identity providers,
            trust anchors and profiles of Roles Anywhere, the role of the instance, containers.
            """)

    @Flag(help: "With a publisher who may put segments together in the inbox, as `sandbox serve --large-files` has it.")
    var largeFiles = false

    func run() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Terminal.print(
            String(decoding: try encoder.encode(largeFiles ? SandboxScenario.largeFiles : .twoOrganisations), as: UTF8.self))
    }
}
