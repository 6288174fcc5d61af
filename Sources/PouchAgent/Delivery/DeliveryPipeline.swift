import Logging
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest

/// One attempt at one delivery, from the claimed file to the journal's last word.
///
/// The order of the lines is the contract: begin is recorded before anything the partner can see (`DeliveryContext.save` waits for
/// it); complete is recorded before the source may be touched.
struct DeliveryPipeline: Sendable {
    let agent: String
    let partner: PartnerPlan
    let journal: Journal
    let sources: SourceShelf
    let reading: BlockingExecutor
    let clock: any AgentClock
    let board: ProgressBoard
    let budget: TransferBudget
    let lifecycle: DeliveryLifecycle
    let logger: Logger

    enum Ending: Sendable {
        /// The journal knows the end. `progress` says whether the file is done with.
        case recorded(FileProgress)
        /// It will be tried again; the journal knows when.
        case waiting(DeliveryFailure, Duration)
        /// The partner waits for a person.
        case held(DeliveryFailure)
        /// The file is looked at again.
        case retaken(DeliveryFailure, Duration)
        case quarantined(DeliveryFailure, FileProgress)
        /// The journal could not be written: nothing more is known than what it said before.
        case unrecorded(JournalFailure)
        /// Stopped by us, not by the far end.
        case stopped
    }

    func attempt(_ delivery: PendingDelivery) async -> Ending {
        let attempt = delivery.attempts + 1
        board.began(
            ProgressBoard.Entry(
                delivery: delivery.id,
                partner: partner.name,
                path: delivery.file.path.description,
                size: delivery.file.identity.size,
                sent: 0,
                began: clock.now
            )
        )
        defer { board.ended(delivery.id) }
        CrashPoint.reach(.begun)
        let begun = journal.begin(delivery.id, attempt: attempt, stage: .storing, at: clock.now)
        do {
            let source = try await reading.run { () throws(DeliveryFailure) in try sources.source(of: delivery) }
            let file = source.outgoing(reading: reading) { [journal] digests in
                // Saves a reading after a restart; nothing depends on it.
                _ = journal.record(digests: digests, ofFileOf: delivery.id)
            }
            let checkpoint = await usable(delivery.checkpoint)
            let outcome = try await partner.destination.deliver(
                file,
                from: checkpoint,
                in: context(of: delivery, attempt: attempt, begun: begun)
            )
            CrashPoint.reach(.delivered)
            let digests = try await file.digests()
            return await complete(delivery, outcome: outcome, digests: digests, attempt: attempt)
        } catch {
            return await fail(delivery, failure: error, attempt: attempt)
        }
    }

    /// A checkpoint of another target is abandoned: the delivery starts again there.
    private func usable(_ checkpoint: Checkpoint?) async -> Checkpoint? {
        guard let checkpoint, checkpoint.target != partner.destination.traits.target else { return checkpoint }
        await partner.destination.abandon(checkpoint)
        return nil
    }

    private func context(of delivery: PendingDelivery, attempt: Int, begun: Ticket<Void>) -> DeliveryContext {
        DeliveryContext(
            delivery: delivery.id,
            partner: partner.name,
            route: delivery.route,
            agent: agent,
            key: delivery.key,
            attempt: attempt,
            budget: budget,
            saving: { [journal, clock] (checkpoint) async throws(DeliveryFailure) in
                CrashPoint.reach(.staged)
                let state: DeliveryState = checkpoint.stage == .store ? .stored : .publishing
                do throws(JournalFailure) {
                    try await journal.save(checkpoint, of: delivery.id, state: state, at: clock.now).value()
                    CrashPoint.reach(.saved)
                } catch {
                    throw Self.unwritten(error)
                }
            },
            durable: { () async throws(DeliveryFailure) in
                do throws(JournalFailure) {
                    _ = try await begun.value()
                } catch {
                    throw Self.unwritten(error)
                }
            },
            progress: { [board] bytes in board.sent(bytes, of: delivery.id) }
        )
    }

    private func complete(
        _ delivery: PendingDelivery,
        outcome: DeliveryOutcome,
        digests: FileDigests,
        attempt: Int
    ) async -> Ending {
        let now = clock.now
        let receipt: Receipt
        let ending: ManifestEntry.Outcome
        switch outcome {
        case .delivered(let proof): (receipt, ending) = (proof, .delivered)
        case .handedOver(_, let proof): (receipt, ending) = (proof, .handedOver)
        }
        let entry = ManifestLines(agent: agent, adapter: partner.destination.traits.adapter)
            .finished(delivery, outcome: ending, receipt: receipt, digests: digests, attempt: attempt, at: now)
        do {
            let progress = try await journal.complete(delivery.id, receipt: receipt, at: now, entry: entry).value()
            CrashPoint.reach(.completed)
            logger.info(
                "delivered",
                metadata: [
                    "delivery": "\(delivery.id)", "partner": "\(partner.name)", "route": "\(delivery.route)",
                    "file": "\(delivery.file.path)", "location": "\(receipt.location)", "attempt": "\(attempt)",
                ]
            )
            return .recorded(progress)
        } catch {
            return .unrecorded(error)
        }
    }

    private func fail(_ delivery: PendingDelivery, failure: DeliveryFailure, attempt: Int) async -> Ending {
        if Task.isCancelled { return .stopped }
        let now = clock.now
        let step = lifecycle.step(after: failure, attempt: attempt, jitter: .random(in: 0..<1))
        do {
            switch step {
            case .wait(let pause):
                _ = try await journal.fail(delivery.id, failure: failure, at: now, next: .retry(at: now.advanced(by: pause)))
                    .value()
                return .waiting(failure, pause)
            case .holdPartner:
                _ = try await journal.fail(delivery.id, failure: failure, at: now, next: .held).value()
                return .held(failure)
            case .quarantine:
                return .quarantined(failure, try await quarantine(delivery, failure: failure, attempt: attempt, at: now))
            case .retake(let pause):
                return try await retake(delivery, failure: failure, attempt: attempt, pause: pause, at: now)
            }
        } catch {
            return .unrecorded(error)
        }
    }

    private func quarantine(
        _ delivery: PendingDelivery,
        failure: DeliveryFailure,
        attempt: Int,
        at now: Timestamp
    ) async throws(JournalFailure) -> FileProgress {
        if let checkpoint = delivery.checkpoint { await partner.destination.abandon(checkpoint) }
        let entry = ManifestLines(agent: agent, adapter: partner.destination.traits.adapter)
            .quarantined(delivery, failure: failure, attempt: attempt, at: now)
        return try await journal.fail(delivery.id, failure: failure, at: now, next: .quarantined(entry: entry)).value()
    }

    /// The source is ours by claim: take what it is now and begin anew. A file that is delivered in place (`keep`) is not ours: what
    /// was promised is gone, and what is there now is a drop of its own, found by the next sweep.
    private func retake(
        _ delivery: PendingDelivery,
        failure: DeliveryFailure,
        attempt: Int,
        pause: Duration,
        at now: Timestamp
    ) async throws(JournalFailure) -> Ending {
        guard !delivery.file.claim.inPlace else {
            let gone = DeliveryFailure(
                .quarantine,
                code: failure.code,
                attempt: failure.attempt,
                cause: failure.cause,
                hint: "the file was changed before it was delivered; its new content is a delivery of its own"
            )
            return .quarantined(gone, try await quarantine(delivery, failure: gone, attempt: attempt, at: now))
        }
        let current: FileIdentity?
        do {
            current = try await reading.run { () throws(DeliveryFailure) in try sources.current(delivery.file) }
        } catch {
            current = nil
        }
        if let current { _ = try await journal.retake(file: delivery.file.id, identity: current, at: now).value() }
        if let checkpoint = delivery.checkpoint { await partner.destination.abandon(checkpoint) }
        _ = try await journal.fail(delivery.id, failure: failure, at: now, next: .retry(at: now.advanced(by: pause))).value()
        return .retaken(failure, pause)
    }

    private static func unwritten(_ failure: JournalFailure) -> DeliveryFailure {
        DeliveryFailure(.retry(after: .seconds(5)), code: "journal", attempt: "record the delivery", cause: "\(failure)")
    }
}
