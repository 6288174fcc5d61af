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
    let sealing: DeliverySealing
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
        /// This delivery waits for a person, and the partner's others go on.
        case heldAlone(DeliveryFailure)
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
        if let failure = tooLarge(delivery, size: delivery.file.identity.size) {
            return await holdAlone(delivery, failure: failure)
        }
        CrashPoint.reach(.begun)
        let begun = journal.begin(delivery.id, attempt: attempt, stage: .storing, at: clock.now)
        do {
            let checkpoint = await usableCheckpoint(of: delivery)
            let outgoing = try await outgoing(delivery)
            if let failure = tooLarge(delivery, size: outgoing.file.size) { return await holdAlone(delivery, failure: failure) }
            let context = context(of: delivery, attempt: attempt, begun: begun)
            let outcome = try await deliver(outgoing, of: delivery, from: checkpoint, in: context)
            CrashPoint.reach(.delivered)
            let digests = try await outgoing.digests()
            return await complete(delivery, outcome: outcome, digests: digests, seal: outgoing.seal, attempt: attempt)
        } catch {
            return await fail(delivery, failure: error, attempt: attempt)
        }
    }

    /// What admission found already; a delivery that a person released, or of another configuration, is looked at again.
    private func tooLarge(_ delivery: PendingDelivery, size: Int64) -> DeliveryFailure? {
        let traits = partner.destination.traits
        guard let largest = traits.largestFile, size > largest else { return nil }
        return DeliveryFailure(
            .hold,
            code: "too-large",
            attempt: "deliver \(delivery.file.path) to \(partner.name)",
            cause: "the file has \(size) bytes, and \(traits.adapter) takes at most \(largest) at once in this version"
        )
    }

    private func holdAlone(_ delivery: PendingDelivery, failure: DeliveryFailure) async -> Ending {
        do {
            _ = try await recorded { journal.fail(delivery.id, failure: failure, at: clock.now, next: .held) }
            return .heldAlone(failure)
        } catch {
            return .unrecorded(error)
        }
    }

    /// A checkpoint of another target is abandoned, and so is one of the file as it is when its partner asks for a seal now: the
    /// delivery starts again.
    private func usableCheckpoint(of delivery: PendingDelivery) async -> Checkpoint? {
        guard let checkpoint = delivery.checkpoint else { return nil }
        let isUnsealed = partner.seal != nil && delivery.seal == nil
        guard isUnsealed || checkpoint.target != partner.destination.traits.target else { return checkpoint }
        await partner.destination.abandon(checkpoint)
        return nil
    }

    private func outgoing(_ delivery: PendingDelivery) async throws(DeliveryFailure) -> Outgoing {
        if partner.seal != nil || delivery.seal != nil { return try await sealing.outgoing(delivery) }
        let source = try await reading.run { () throws(DeliveryFailure) in try sources.source(of: delivery) }
        let file = source.outgoing(reading: reading) { [journal] digests in
            // Saves a reading after a restart; nothing depends on it.
            _ = journal.record(digests: digests, ofFileOf: delivery.id)
        }
        return Outgoing(file: file, seal: nil, digests: { () async throws(DeliveryFailure) in try await file.digests() })
    }

    private func deliver(
        _ outgoing: Outgoing,
        of delivery: PendingDelivery,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        do {
            return try await partner.destination.deliver(outgoing.file, from: checkpoint, in: context)
        } catch {
            throw outgoing.seal == nil ? error : await sealing.judged(error, of: delivery)
        }
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
                let state: DeliveryState =
                    switch checkpoint.stage {
                    case .storeParts: .storing
                    case .store: .stored
                    default: .publishing
                    }
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
        seal: SealRecord?,
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
            .finished(delivery, outcome: ending, receipt: receipt, digests: digests, seal: seal, attempt: attempt, at: now)
        do {
            let progress = try await recorded {
                journal.complete(
                    delivery.id, receipt: receipt, isHandedOver: ending == .handedOver && partner.receipts != nil, at: now,
                    entry: entry)
            }
            CrashPoint.reach(.completed)
            if seal != nil { await sealing.remove(delivery.id) }
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
                let next = AfterFailure.retry(at: now.advanced(by: pause))
                _ = try await recorded { journal.fail(delivery.id, failure: failure, at: now, next: next) }
                return .waiting(failure, pause)
            case .holdPartner:
                _ = try await recorded { journal.fail(delivery.id, failure: failure, at: now, next: .held) }
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
        if let checkpoint = await lastCheckpoint(of: delivery) { await partner.destination.abandon(checkpoint) }
        let entry = ManifestLines(agent: agent, adapter: partner.destination.traits.adapter)
            .quarantined(delivery, failure: failure, attempt: attempt, at: now)
        let progress = try await recorded {
            journal.fail(delivery.id, failure: failure, at: now, next: .quarantined(entry: entry))
        }
        // An attempt that began without a seal may have made one.
        if partner.seal != nil || delivery.seal != nil { await sealing.remove(delivery.id) }
        return progress
    }

    /// The source is ours by claim: take what it is now and begin anew. A file that reads otherwise than before although nobody wrote
    /// to it is rotten, and goes to nobody. A file that is delivered in place (`keep`) is not ours: what
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
        if let current, current.isUnchangedSinceRemount(delivery.file.identity) {
            let rotten = SourceFailure.rotten(failure)
            return .quarantined(rotten, try await quarantine(delivery, failure: rotten, attempt: attempt, at: now))
        }
        // Before the journal forgets it.
        if let checkpoint = await lastCheckpoint(of: delivery) { await partner.destination.abandon(checkpoint) }
        if let current { _ = try await recorded { journal.retake(file: delivery.file.id, identity: current, at: now) } }
        let next = AfterFailure.retry(at: now.advanced(by: pause))
        _ = try await recorded { journal.fail(delivery.id, failure: failure, at: now, next: next) }
        return .retaken(failure, pause)
    }

    /// The attempt may have saved a later one than it began with.
    private func lastCheckpoint(of delivery: PendingDelivery) async -> Checkpoint? {
        do {
            return try await journal.delivery(delivery.id)?.checkpoint
        } catch {
            return delivery.checkpoint
        }
    }

    /// Repeats the write until the journal takes it, and keeps the slot of the delivery meanwhile: only this attempt knows how it
    /// ended, and what the journal has of it ("an attempt runs") is tried again by nobody before the next start.
    private func recorded<Value>(_ write: () -> Ticket<Value>) async throws(JournalFailure) -> Value {
        while true {
            do throws(JournalFailure) {
                return try await write().value()
            } catch {
                guard error.mayPass, !Task.isCancelled else { throw error }
                logger.error("the journal could not be written; it is tried again", metadata: ["cause": "\(error)"])
                // Cancelled: the next failure is the last.
                try? await clock.sleep(for: .seconds(2))
            }
        }
    }

    private static func unwritten(_ failure: JournalFailure) -> DeliveryFailure {
        DeliveryFailure(.retry(after: .seconds(5)), code: "journal", attempt: "record the delivery", cause: "\(failure)")
    }
}

extension JournalFailure {
    /// The disk may have room again, or come back. What the journal refuses for itself, it refuses again.
    fileprivate var mayPass: Bool {
        switch kind {
        case .diskFull, .inputOutput, .notWritable, .cannotOpen, .other: true
        case .damaged, .newerSchema, .notAJournal, .unknown, .outOfPlace, .closed: false
        }
    }
}
