import Logging
import PouchCrypto
import PouchFiles
import PouchJournal
import PouchKit

/// Gives a delivery its sealed file: made once, then the same for every attempt.
///
/// The content key is random, so sealing again gives other bytes. The order is: the sealed file is durable, then the journal has its digests,
/// then it is delivered. A crash before the journal knew leaves a file that is made anew; a crash after it, one that is delivered.
struct DeliverySealing: Sendable {
    let partner: PartnerName
    /// `nil` where the partner's files leave as they are; what was sealed before that was changed is still delivered sealed.
    let plan: SealPlan?
    let spool: SealedSpool
    let journal: Journal
    let sources: SourceShelf
    let reading: BlockingExecutor
    let clock: any AgentClock
    let board: ProgressBoard
    let logger: Logger

    /// - Throws: `.hold` for a certificate that cannot be sealed to; `.retry` where the spool has no room, or the source cannot be read for now;
    ///   `.sourceChanged`; `.quarantine` for a sealed file that is gone and may be at the partner already.
    func outgoing(_ delivery: PendingDelivery) async throws(DeliveryFailure) -> Outgoing {
        if let seal = delivery.seal, let digests = delivery.file.digests {
            let kept = try await reading.run(stoppable: { stop throws(DeliveryFailure) in try keptFile(seal, of: delivery, stop) })
            if let kept { return try outgoing(kept, SealedCopy.Made(digests: digests, seal: seal), delivery) }
            // Sealed again it has other bytes, and an earlier attempt may have delivered the first ones.
            guard delivery.checkpoint == nil else { throw lost(delivery) }
        }
        guard let plan else { throw lost(delivery) }
        let (file, made) = try await reading.run(stoppable: { stop throws(DeliveryFailure) in try make(delivery, plan, stop) })
        CrashPoint.reach(.sealed)
        do throws(JournalFailure) {
            try await journal.record(made.seal, of: made.digests, for: delivery.id, at: clock.now).value()
        } catch {
            throw DeliveryFailure(.retry(after: .seconds(5)), code: "journal", attempt: attempt(delivery), cause: "\(error)")
        }
        board.sending(made.seal.size, of: delivery.id)
        return try outgoing(file, made, delivery)
    }

    /// The adapter was given the sealed file: what it calls the source is what lies in the spool, and that is made anew.
    func judged(_ failure: DeliveryFailure, of delivery: PendingDelivery) async -> DeliveryFailure {
        guard case .sourceChanged = failure.remedy else { return failure }
        await remove(delivery.id)
        return DeliveryFailure(
            .retry, code: "seal-changed", attempt: failure.attempt,
            cause: "the sealed file in \(spool.path) was changed: \(failure.cause)",
            hint: "look at its disk, and at who writes there besides the agent"
        )
    }

    /// Nothing needs the sealed file any more. One that cannot be removed is swept later.
    func remove(_ delivery: DeliveryID) async {
        do throws(FileProblem) {
            try await reading.run { () throws(FileProblem) in try spool.remove(delivery) }
        } catch {
            logger.warning("a sealed file could not be removed", metadata: ["delivery": "\(delivery)", "cause": "\(error)"])
        }
    }

    private func outgoing(_ file: SharedFile, _ made: SealedCopy.Made, _ delivery: PendingDelivery) throws(DeliveryFailure)
        -> Outgoing
    {
        let identity = try inSpool(delivery) { () throws(FileProblem) in try file.status().identity }
        return Outgoing(
            file: OutgoingFile(
                path: delivery.file.path,
                size: made.seal.size,
                modified: Timestamp(nanoseconds: delivery.file.identity.modified),
                descriptor: file.descriptor,
                digests: { () async throws(DeliveryFailure) in made.seal.digests },
                verifyUnchanged: { () throws(DeliveryFailure) in
                    let now = try inSpool(delivery) { () throws(FileProblem) in try file.status().identity }
                    guard now == identity else { throw SourceFailure.changed(delivery.file.path, from: identity, to: now) }
                }
            ),
            seal: made.seal,
            digests: { () async throws(DeliveryFailure) in made.digests }
        )
    }

    /// The sealed file of an earlier attempt, read again: what lay on a disk for days is what was sealed, or it is not sent.
    private func keptFile(_ seal: SealRecord, of delivery: PendingDelivery, _ stop: StopSign) throws(DeliveryFailure) -> SharedFile?
    {
        let found = try inSpool(delivery) { () throws(FileProblem) in try spool.open(delivery.id, size: seal.size) }
        guard let found else { return nil }
        do throws(FileHashFailure) {
            let now = try FileHasher.digests(ofFile: found.descriptor, size: seal.size, isWanted: { !stop.isRaised })
            return now == seal.digests ? found : nil
        } catch {
            throw DeliveryFailure(
                .retry(after: .seconds(30)), code: "seal-spool", attempt: attempt(delivery), cause: "\(spool.path): \(error)")
        }
    }

    // MARK: Making

    private func make(
        _ delivery: PendingDelivery,
        _ plan: SealPlan,
        _ stop: StopSign
    ) throws(DeliveryFailure) -> (SharedFile, SealedCopy.Made) {
        let recipients = try recipients(plan, of: delivery)
        let source = try sources.source(of: delivery)
        guard source.identity.size <= Sealer.largestContent else { throw tooLarge(delivery) }
        let target = try inSpool(delivery) { () throws(FileProblem) in
            try spool.create(delivery.id, forFileOf: source.identity.size).shared()
        }
        do throws(DeliveryFailure) {
            let made = try seal(source, into: target, delivery, recipients, stop)
            try inSpool(delivery) { () throws(FileProblem) in try spool.keep(target.file) }
            return (target, made)
        } catch {
            // A leftover that cannot be removed is made anew by the next attempt.
            try? spool.remove(delivery.id)
            throw error
        }
    }

    private func seal(
        _ source: Source,
        into target: SharedFile,
        _ delivery: PendingDelivery,
        _ recipients: [SealCertificate],
        _ stop: StopSign
    ) throws(DeliveryFailure) -> SealedCopy.Made {
        let made: SealedCopy.Made
        do throws(SealedCopy.Failure) {
            made = try SealedCopy.seal(
                source.file.descriptor, named: delivery.file.path.description, size: source.identity.size, into: target.file,
                for: recipients
            ) { done in
                CrashPoint.reach(.sealing)
                board.sealed(done, of: delivery.id)
                return !stop.isRaised
            }
        } catch {
            throw failure(error, delivery)
        }
        // What was read now is what the file was when it was first read.
        if let known = delivery.file.digests, known != made.digests {
            throw SourceFailure.otherBytes(delivery.file.path, known.sha256, made.digests.sha256)
        }
        try source.verify()
        return made
    }

    private func recipients(_ plan: SealPlan, of delivery: PendingDelivery) throws(DeliveryFailure) -> [SealCertificate] {
        let certificates: [SealCertificate]
        do throws(SealProblem) { certificates = try plan.recipients.certificates() } catch {
            guard !error.isShortage else {
                throw DeliveryFailure(
                    .retry, code: DeliveryFailure.shortage, attempt: attempt(delivery), cause: error.text)
            }
            throw DeliveryFailure(
                .hold, code: "seal-certificate", attempt: attempt(delivery), cause: error.text,
                hint: error.hint ?? "put a good certificate of \(partner) there, then: pouch release \(partner)")
        }
        let now = clock.now
        for (certificate, path) in zip(certificates, plan.recipients.paths) {
            let standing = certificate.standing(at: now)
            guard !standing.isUsable, let notice = certificate.notice(at: now) else { continue }
            let cause = "the certificate \(VisibleText.escaped(path)) of \(certificate.subject) \(notice)"
            // Either time will do it, or the clock of this machine is wrong and is set right.
            guard standing != .notYetValid else {
                throw DeliveryFailure(
                    .retry(after: .seconds(300)), code: "seal-certificate-not-yet-valid", attempt: attempt(delivery), cause: cause,
                    hint: "is the clock of this machine right?")
            }
            throw DeliveryFailure(
                .hold, code: "seal-certificate-expired", attempt: attempt(delivery), cause: cause,
                hint: "put the new certificate of \(partner) in its place, then: pouch release \(partner)")
        }
        return certificates
    }

    // MARK: What goes wrong

    private func attempt(_ delivery: PendingDelivery) -> String { "seal \(delivery.file.path) for \(partner)" }

    private func lost(_ delivery: PendingDelivery) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "seal-lost", attempt: "deliver the sealed form of \(delivery.file.path) to \(partner)",
            cause:
                "it is not in \(spool.path) as it was, and an earlier attempt may have delivered it: sealed again it would have other bytes",
            hint: "look whether \(partner) has it; `pouch retry \(delivery.id.shortForm)` seals and delivers it as a new delivery")
    }

    private func tooLarge(_ delivery: PendingDelivery) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "seal-too-large", attempt: attempt(delivery),
            cause:
                "the file has \(delivery.file.identity.size) bytes, and AES-GCM seals at most \(Sealer.largestContent) under one key",
            hint: "split it before it is dropped")
    }

    private func failure(_ failure: SealedCopy.Failure, _ delivery: PendingDelivery) -> DeliveryFailure {
        let path = delivery.file.path
        return switch failure {
        case .seal(let problem):
            DeliveryFailure(.hold, code: "seal-failed", attempt: attempt(delivery), cause: problem.text, hint: problem.hint)
        case .copy(.source(let problem)): SourceFailure.unreadable(path, problem)
        case .copy(.target(let problem)): spoolFailure(problem, delivery)
        case .copy(.otherSize(let expected, let found)): SourceFailure.otherSize(path, expected, found)
        case .copy(.stopped): DeliveryFailure(.retry, code: "source-stopped", attempt: attempt(delivery), cause: "the agent stops")
        }
    }

    private func spoolFailure(_ problem: FileProblem, _ delivery: PendingDelivery) -> DeliveryFailure {
        guard problem.isNoSpace else {
            let (pause, code) = problem.isExhausted ? (Duration.zero, DeliveryFailure.shortage) : (.seconds(30), "seal-spool")
            return DeliveryFailure(.retry(after: pause), code: code, attempt: attempt(delivery), cause: "\(problem)")
        }
        return DeliveryFailure(
            .retry(after: .seconds(60)), code: "seal-spool-full", attempt: attempt(delivery), cause: "\(problem)",
            hint:
                "free some space where \(spool.path) lies: it holds a sealed copy of each file that is under way; the delivery waits for it"
        )
    }

    private func inSpool<Value>(
        _ delivery: PendingDelivery,
        _ work: () throws(FileProblem) -> Value
    ) throws(DeliveryFailure) -> Value {
        do throws(FileProblem) { return try work() } catch { throw spoolFailure(error, delivery) }
    }
}
