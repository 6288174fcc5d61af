package import ArgumentParser
import Glibc
import PouchCrypto

/// `pouch`
package struct PouchCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "pouch",
        abstract: "Takes files from watched folders and delivers them to partners, provably.",
        discussion: """
            A first look, without touching anything:
              pouch check                      read agent.yaml and say what is wrong with it
              pouch explain drop/report.csv    what would happen to this file, and why
            At work:
              pouch run                        watch and deliver until stopped
              pouch status                     where everything is
              pouch trace report.csv           one file's whole story
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(name: "The agent", subcommands: [RunCommand.self, SendCommand.self, PublishCommand.self]),
            CommandGroup(
                name: "The configuration",
                subcommands: [
                    CheckCommand.self, DoctorCommand.self, ExplainCommand.self, IdentityCommand.self, PartnerCommand.self,
                ]),
            CommandGroup(
                name: "What is going on",
                subcommands: [StatusCommand.self, TraceCommand.self, ManifestCommand.self]
            ),
            CommandGroup(
                name: "Stepping in", subcommands: [HoldCommand.self, ReleaseCommand.self, RetryCommand.self, ReloadCommand.self]),
            CommandGroup(name: "Sealing by hand", subcommands: [SealCommand.self, OpenCommand.self]),
            CommandGroup(name: "Trying it out", subcommands: [SandboxCommand.self]),
            CommandGroup(name: "Extending it", subcommands: [PluginCommand.self]),
        ]
    )

    package init() {}

    /// Parses the command line and runs what it says; ends the process with the command's exit code.
    package static func start() async {
        CryptoLibrary.leaveAloneAtExit()
        // An alert command that does not read its input, or a log that nobody reads any more, must not end the agent.
        signal(SIGPIPE, SIG_IGN)
        // A terminal that closes must not end it without draining; a running agent reads its configuration again.
        signal(SIGHUP, SIG_IGN)
        await main()
    }
}

enum Version {
    static let text = "0.1.0"
}
