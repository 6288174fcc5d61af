import ArgumentParser
import Logging
import PouchConfiguration
import PouchKit
import S3SecureInbox
import ServiceLifecycle
import UnixSignals

/// `pouch publish`
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "The publisher as a service of its own: copies what others stored, on events from a queue.",
        discussion: """
            Works by the section publish: of the configuration, and keeps nothing: start as many as you like, on as many machines as you like,
            and kill any. SIGTERM drains. A message is deleted when its copy is verified; one that can never be published is left to the
            queue's dead letters, with an error in the log.

            Exit code 1 of --once and --reconcile: something could not be published.

            Examples:
              pouch publish
              pouch publish --once
              pouch publish --reconcile
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Publish until the queue is empty, look through the repositories, and end.") var once = false
    @Flag(help: "Look through the repositories for what no event told of, publish it, and end.") var reconcile = false
    @Option(help: "error, warning, info or debug.") var logLevel: LogLevel = .info

    func validate() throws {
        if once, reconcile { throw ValidationError("--once reconciles by itself: give one of --once and --reconcile") }
    }

    func run() async throws {
        let blueprint = try file.load()
        guard let plan = blueprint.publisher else {
            throw Refusal(
                "\(file.path) has no section publish:",
                hint: "write publish: { queue: https://sqs.…, as: IDENTITY }", code: .configuration
            ).told()
        }
        let logger = Logger(label: "pouch") { _ in LogLines.suitable(level: logLevel.level) }
        var settings = PublisherService.Settings(name: blueprint.configuration.agent.name)
        settings.atOnce = plan.atOnce
        settings.visibility = plan.visibility
        settings.reconcileEvery = plan.reconcileEvery
        settings.writesReceipts = plan.writesReceipts
        settings.drainLimit = plan.drainLimit
        let publisher = PublisherService(
            queue: reconcile ? nil : plan.queue, partners: plan.partners, settings: settings, clock: SystemClock()
        ) { PublisherLog.write($0, to: logger) }
        let service = DrainingPublisher(publisher, mode: reconcile ? .reconcileOnly : once ? .once : .service)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "pouch.lifecycle") { _ in LogLines.suitable(level: .error) }
            )
        )
        try await group.run()
        let ending = service.ending
        if let trouble = ending.trouble { throw Refusal(trouble).told() }
        guard once || reconcile else { return }
        let summary = "\(ending.published) published, \(ending.postponed) postponed, \(ending.refused) refused"
        guard ending.isComplete else { throw Refusal(summary, hint: "the log says why").told() }
        Terminal.print(Style.output.good(summary))
    }
}
