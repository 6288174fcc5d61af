import PouchAWS
import PouchKit

/// One attempt at one delivery.
struct DeliveryRun: Sendable {
    let inbox: S3SecureInbox
    let file: OutgoingFile
    let context: DeliveryContext

    var plan: InboxPlan { inbox.plan }

    /// What is tried, before it is known how far it gets.
    var attempt: String { "deliver \(name) to \(context.partner)" }

    var name: String { VisibleText.escaped(context.key.name) }

    func result(from checkpoint: Checkpoint?) async -> Result<DeliveryOutcome, DeliveryFailure> {
        do throws(DeliveryFailure) {
            return .success(try await run(from: checkpoint))
        } catch {
            return .failure(error)
        }
    }

    private func run(from checkpoint: Checkpoint?) async throws(DeliveryFailure) -> DeliveryOutcome {
        let known = Progress(checkpoint)
        let storage = Storage(run: self)
        var stored: Progress.Stored
        if let kept = known?.stored { stored = kept } else { stored = try await storage.store(from: checkpoint) }
        guard let target = plan.inbox, let publisher = inbox.publisher, let s3 = inbox.publisherS3 else {
            return try await handOver(stored)
        }

        let leg = InboxLeg(
            repository: plan.repository, inbox: target, whenTaken: plan.whenTaken, publisher: publisher, s3: s3)
        var announced = known?.publishing
        switch try await publication(of: stored, on: leg, storedEarlier: known?.stored.at).publish(announced: announced) {
        case .published(let published): return delivered(stored, published)
        case .sourceGone(let stillAnnounced):
            // It expired, or somebody overwrote it: the repository is ours, so it is stored again.
            announced = stillAnnounced
            stored = try await storage.store(from: nil)
        }
        switch try await publication(of: stored, on: leg, storedEarlier: nil).publish(announced: announced) {
        case .published(let published): return delivered(stored, published)
        case .sourceGone:
            throw DeliveryFailure(
                .retry, code: "source-gone", attempt: attempt,
                cause: "the object in the repository was gone or changed, twice, right after it was stored",
                hint: "look who else writes or deletes in s3://\(plan.repository.place.name)/\(plan.repository.prefix)")
        }
    }

    func consignment(_ digests: FileDigests) -> Consignment {
        Consignment(
            delivery: context.delivery, partner: context.partner, route: context.route, agent: context.agent, key: context.key,
            name: file.path.name, size: file.size, digests: digests, publish: plan.inbox == nil ? .elsewhere : .here)
    }

    private func publication(of stored: Progress.Stored, on leg: InboxLeg, storedEarlier: Timestamp?) -> Publication {
        Publication(
            consignment: consignment(stored.digests), shape: stored.shape, leg: leg,
            memory: JournalledPublication(run: self, stored: stored), storedEarlier: storedEarlier,
            budget: context.budget)
    }

    private func delivered(_ stored: Progress.Stored, _ published: Publication.Published) -> DeliveryOutcome {
        .delivered(
            Receipt(
                location: published.location, key: published.key, confirmation: published.confirmation,
                stages: [stored.record, published.record]))
    }

    private func handOver(_ stored: Progress.Stored) async throws(DeliveryFailure) -> DeliveryOutcome {
        let checkpoint = try Progress(stored: stored).checkpoint(for: plan.target)
        try await context.save(checkpoint)
        let receipt = Receipt(
            location: "s3://\(plan.repository.place.name)/\(stored.key)", key: stored.key, confirmation: .byAnswer,
            stages: [stored.record])
        return .handedOver(checkpoint, receipt)
    }
}

extension AgentClock {
    /// Milliseconds since then, by `monotonic`.
    func milliseconds(since start: Duration) -> Int64 {
        let elapsed = monotonic - start
        return elapsed.components.seconds * 1_000 + elapsed.components.attoseconds / 1_000_000_000_000_000
    }
}
