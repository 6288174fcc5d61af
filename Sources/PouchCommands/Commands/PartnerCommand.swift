import ArgumentParser

/// `pouch partner`
struct PartnerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partner",
        abstract: "What two organisations set up for each other.",
        subcommands: [PartnerKitCommand.self]
    )
}
