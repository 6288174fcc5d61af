import ArgumentParser
import Foundation
import Logging
import PouchAgent
import PouchConfiguration
import PouchKit
import ServiceLifecycle
import UnixSignals

/// `pouch run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Watches the folders and delivers, until stopped.",
        discussion: """
            Stop it with SIGTERM or Ctrl-C: running deliveries get a few seconds, the rest goes on after the next start. With --once it
            delivers what is there, waits until nothing is left to do, and exits 0 only if everything was delivered. SIGHUP, like
            `pouch reload`, makes it read its configuration again.

            Examples:
              pouch run
              pouch run --once --config /etc/pouch/agent.yaml
              pouch run --log-level debug 2>pouch.log
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Deliver what is there, then end.") var once = false
    @Option(help: "With --once: give up waiting for retries and unsettled files after this many seconds.") var patience: Int = 900
    @Option(help: "error, warning, info or debug.") var logLevel: LogLevel = .info

    func run() async throws {
        let blueprint = try file.load()
        if blueprint.configuration.isPublisherOnly {
            throw Refusal(
                "\(file.path) has no folders and no routes: it is a publisher's", hint: "`pouch publish` works by it",
                code: .configuration
            ).told()
        }
        let logger = Logger(label: "pouch") { _ in LogLines.suitable(level: logLevel.level) }
        let agent: Agent
        do {
            agent = try await Agent.open(
                plan: blueprint.plan, clock: SystemClock(), logger: logger, reading: once ? nil : Blueprint.reading(of: file.path),
                supervisor: once ? nil : Self.supervisor(logger: logger))
        } catch {
            throw Refusal(error.text, hint: error.hint, code: error.isInUse ? .inUse : .failed).told()
        }
        let service = AgentService(agent: agent, mode: once ? .once(patience: .seconds(patience)) : .service)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                // They are stopped in the reverse order, one after the other: a reload ends with the agent.
                services: (once ? [] : [.init(service: HangupService(agent: agent))])
                    + [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "pouch.lifecycle") { _ in LogLines.suitable(level: .error) }
            )
        )
        try await group.run()
        let ending = service.ending
        if once {
            let text = ending.summary
            if ending.isComplete {
                Terminal.print(Style.output.good(text))
            } else {
                Terminal.complain(text)
                Terminal.complain("hint: `pouch status` says what waits, is held or quarantined, and why")
            }
        }
        if once, !ending.isComplete { throw ExitCode.failed }
        if let breakdown = ending.breakdown { throw Refusal(breakdown).told() }
    }

    /// - Returns: `nil` where no service manager asks for anything, or its socket cannot be used: the agent works without.
    private static func supervisor(logger: Logger) -> Supervisor? {
        guard let contract = SupervisorContract(environment: ProcessInfo.processInfo.environment, process: getpid()) else {
            return nil
        }
        do {
            return try Supervisor(contract, clock: SystemClock(), logger: logger)
        } catch {
            logger.warning("the service manager cannot be told how the agent does", metadata: ["cause": "\(error)"])
            return nil
        }
    }
}

/// Reads the configuration again at every SIGHUP. What comes of it is in the log, and somebody is told when it cannot be used.
struct HangupService: Service {
    let agent: Agent

    func run() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { await agent.reload() }
    }
}

enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case error, warning, info, debug

    var level: Logger.Level {
        switch self {
        case .error: .error
        case .warning: .warning
        case .info: .info
        case .debug: .debug
        }
    }
}
