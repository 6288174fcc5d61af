import Logging
import PouchAWS
import PouchKit
import S3SecureInbox
import ServiceLifecycle
import Synchronization

/// What a publisher does, as records for the operator.
enum PublisherLog {
    static func write(_ news: PublisherNews, to logger: Logger) {
        switch news {
        case .started(let queue, let partners):
            logger.info(
                "publishing",
                metadata: ["queue": "\(queue ?? "none")", "partners": "\(partners.map(\.description).joined(separator: " "))"])
        case .unsuitable(.after(let receptions)):
            logger.warning(
                "the queue gives a message up too soon: good ones become dead letters by a short trouble",
                metadata: ["maxReceiveCount": "\(receptions)", "hint": "set maxReceiveCount to 5 or more"])
        case .unsuitable:
            logger.warning(
                "the queue has no dead letters: what can never be published comes back every 15 minutes",
                metadata: ["hint": "give the queue a redrive policy"])
        case .receiptsRefused(let partner, let failure):
            logger.error("receipts cannot be left: not started", metadata: fields(failure, "\(partner)"))
        case .receiptsUncertain(let partner, let failure):
            logger.warning("it is not known whether receipts can be left", metadata: fields(failure, "\(partner)"))
        case .foundReceipt(let delivery, let object):
            logger.debug("published before", metadata: ["delivery": "\(delivery)", "object": "\(object)"])
        case .published(let delivery, let partner, _, let location, let confirmation):
            logger.info(
                "published",
                metadata: [
                    "delivery": "\(delivery)", "partner": "\(partner)", "location": "\(location)",
                    "confirmation": "\(confirmation.rawValue)",
                ])
        case .postponed(let failure, let object, let pause):
            logger.warning(
                "will be tried again",
                metadata: fields(failure, object).merging(["in": "\(pause)"]) { own, _ in own })
        case .refused(let failure, let object, let reception):
            let count: Logger.Metadata = reception.map { ["reception": "\($0)"] } ?? [:]
            logger.error("cannot be published", metadata: fields(failure, object).merging(count) { own, _ in own })
        case .throttled(let atOnce):
            logger.warning("asked for a slower pace", metadata: ["at-once": "\(atOnce)"])
        case .queueTrouble(let failure, let pause):
            var metadata: Logger.Metadata = ["operation": "\(failure.operation)", "cause": "\(failure)"]
            if let pause { metadata["in"] = "\(pause)" }
            logger.error("the queue cannot be used as it should", metadata: metadata)
        case .reconciled(let partner, let figures):
            logger.info(
                "reconciled",
                metadata: [
                    "partner": "\(partner)", "seen": "\(figures.seen)", "with-receipt": "\(figures.receipted)",
                    "too-young": "\(figures.young)", "by-agents": "\(figures.byAgents)", "published": "\(figures.published)",
                    "postponed": "\(figures.postponed)",
                    "refused": "\(figures.refused)",
                ])
        case .reconciliationFailed(let partner, let failure):
            logger.error("the repository could not be looked through", metadata: fields(failure, "\(partner)"))
        case .draining: logger.info("stopping: nothing new is taken")
        }
    }

    private static func fields(_ failure: DeliveryFailure, _ object: String) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "object": "\(object)", "code": "\(failure.code)", "tried": "\(failure.attempt)", "cause": "\(failure.cause)",
        ]
        if let hint = failure.hint { fields["hint"] = "\(hint)" }
        return fields
    }
}

/// The publisher as a service that ends gracefully when it is told to.
final class DrainingPublisher: Service {
    private let publisher: PublisherService
    private let mode: PublisherService.Mode
    private let result = Mutex(PublisherService.Ending())

    init(_ publisher: PublisherService, mode: PublisherService.Mode) {
        self.publisher = publisher
        self.mode = mode
    }

    /// How the run ended; call it after `run` returned.
    var ending: PublisherService.Ending { result.withLock { $0 } }

    func run() async throws {
        let ending = await withGracefulShutdownHandler {
            await publisher.run(mode)
        } onGracefulShutdown: {
            self.publisher.stop()
        }
        result.withLock { $0 = ending }
    }
}
