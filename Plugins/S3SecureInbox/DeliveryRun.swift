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
        guard file.size <= S3SecureInbox.largestObject else {
            throw DeliveryFailure(
                .hold, code: "too-large", attempt: attempt,
                cause: "the file has \(file.size) bytes, and one object takes at most 5 GiB (\(S3SecureInbox.largestObject) bytes)",
                hint: "larger files need segments, which this version cannot make: split the file, or deliver it another way")
        }
        let known = Progress(checkpoint)
        let storage = Storage(run: self)
        var stored: Progress.Stored
        if let kept = known?.stored { stored = kept } else { stored = try await storage.store() }
        guard let target = plan.inbox, let publisher = inbox.publisher, let s3 = inbox.publisherS3 else {
            return try await handOver(stored)
        }

        var announced = known?.publishing
        let publication = Publication(run: self, target: target, publisher: publisher, s3: s3)
        let first = try await publication.publish(stored, announced: announced, mayStoreAgain: known != nil)
        switch first {
        case .published(let outcome): return outcome
        case .sourceGone(let stillAnnounced):
            // It expired, or somebody overwrote it: the repository is ours, so it is stored again.
            announced = stillAnnounced
            stored = try await storage.store()
        }
        switch try await publication.publish(stored, announced: announced, mayStoreAgain: false) {
        case .published(let outcome): return outcome
        case .sourceGone:
            throw DeliveryFailure(
                .retry, code: "source-gone", attempt: attempt,
                cause: "the object in the repository was gone or changed, twice, right after it was stored",
                hint: "look who else writes or deletes in s3://\(plan.repository.place.name)/\(plan.repository.prefix)")
        }
    }

    private func handOver(_ stored: Progress.Stored) async throws(DeliveryFailure) -> DeliveryOutcome {
        let checkpoint = try Progress(stored: stored).checkpoint(for: plan.target)
        try await context.save(checkpoint)
        let receipt = Receipt(
            location: "s3://\(plan.repository.place.name)/\(stored.key)", key: stored.key, confirmation: .byAnswer,
            stages: [stored.record])
        return .handedOver(checkpoint, receipt)
    }

    /// Milliseconds since then.
    func milliseconds(since start: Duration) -> Int64 {
        let elapsed = inbox.link.clock.monotonic - start
        return elapsed.components.seconds * 1_000 + elapsed.components.attoseconds / 1_000_000_000_000_000
    }
}
