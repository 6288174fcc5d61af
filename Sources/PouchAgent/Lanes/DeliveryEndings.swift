import Logging
import PouchJournal
import PouchKit

/// What follows when an attempt has ended: the file is put away, the manifest is written, somebody is told.
final class DeliveryEndings: LaneEndings {
    private let journal: Journal
    private let closer: FileCloser
    private let outbox: ManifestOutbox
    private let alerts: AlertBell
    private let sends: SendBoard
    private let clock: any AgentClock
    private let logger: Logger

    init(
        journal: Journal,
        closer: FileCloser,
        outbox: ManifestOutbox,
        alerts: AlertBell,
        sends: SendBoard,
        clock: any AgentClock,
        logger: Logger
    ) {
        self.journal = journal
        self.closer = closer
        self.outbox = outbox
        self.alerts = alerts
        self.sends = sends
        self.clock = clock
        self.logger = logger
    }

    func ended(_ delivery: PendingDelivery, _ ending: DeliveryPipeline.Ending, lane: Lane) async {
        let facts: Logger.Metadata = [
            "delivery": "\(delivery.id)", "partner": "\(delivery.partner)", "file": "\(delivery.file.path)",
        ]
        switch ending {
        case .recorded(let progress):
            alerts.clear(.unreachable, subject: delivery.partner.description)
            outbox.ring()
            await closer.close(progress)
        case .quarantined(let failure, let progress):
            outbox.ring()
            logger.error("quarantined", metadata: facts.merging(Self.fields(of: failure)) { own, _ in own })
            alerts.raise(
                .quarantined,
                subject: delivery.partner.description,
                code: failure.code,
                text: "\(delivery.file.path) for \(delivery.partner) is quarantined: \(failure)"
            )
            await closer.close(progress)
        case .held(let failure): await hold(delivery, failure, facts)
        case .heldAlone(let failure):
            logger.error("held", metadata: facts.merging(Self.fields(of: failure)) { own, _ in own })
            alerts.raise(
                .held,
                subject: delivery.partner.description,
                code: failure.code,
                text: "\(delivery.file.path) for \(delivery.partner) is held: \(failure)"
            )
        case .waiting(let failure, let pause), .retaken(let failure, let pause):
            logger.warning(
                "will be tried again",
                metadata: facts.merging(Self.fields(of: failure)) { own, _ in own }.merging(["in": "\(pause)"]) { own, _ in own }
            )
            if lane.breaker.isOpen {
                alerts.raise(
                    .unreachable,
                    subject: delivery.partner.description,
                    code: "unreachable",
                    text: "\(delivery.partner) did not answer several times in a row, and is tried again by itself: \(failure)"
                )
            }
        case .unrecorded(let failure):
            logger.error("the journal could not be written", metadata: facts.merging(["cause": "\(failure)"]) { own, _ in own })
        case .stopped: break
        }
        sends.ended(delivery.id, ending)
    }

    private func hold(_ delivery: PendingDelivery, _ failure: DeliveryFailure, _ facts: Logger.Metadata) async {
        logger.error("the partner is held", metadata: facts.merging(Self.fields(of: failure)) { own, _ in own })
        do {
            _ = try await journal.hold(delivery.partner, code: failure.code, reason: failure.description, at: clock.now).value()
        } catch {
            logger.error("the hold could not be recorded; it holds until the agent stops", metadata: ["cause": "\(error)"])
        }
        alerts.raise(
            .held,
            subject: delivery.partner.description,
            code: failure.code,
            text: "\(delivery.partner) is held: \(failure)"
        )
    }

    private static func fields(of failure: DeliveryFailure) -> Logger.Metadata {
        var fields: Logger.Metadata = ["code": "\(failure.code)", "tried": "\(failure.attempt)", "cause": "\(failure.cause)"]
        if let hint = failure.hint { fields["hint"] = "\(hint)" }
        return fields
    }
}
