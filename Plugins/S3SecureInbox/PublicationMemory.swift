import PouchKit

/// What a publication asks of the one who runs it: the agent has a journal and the file; the publisher's service has neither.
protocol PublicationMemory: Sendable {
    /// Looks whether what was stored is still what is to be delivered. Called before each request that the partner can see.
    ///
    /// - Throws: `DeliveryFailure` with `.sourceChanged`.
    func verifySource() throws(DeliveryFailure)

    /// Notes that something is about to be sent to this key. Once it returns, a later attempt knows of it, if anything can.
    ///
    /// - Throws: `DeliveryFailure` when it cannot be noted: nothing is sent then.
    func announce(_ publishing: Progress.Publishing) async throws(DeliveryFailure)

    /// Takes back what was announced: nothing of ours is at large, and a later attempt must not take somebody else's object for it.
    func settle() async
}

/// The agent's: checkpoints in its journal, and the file on its disk.
struct JournalledPublication: PublicationMemory {
    let run: DeliveryRun
    let stored: Progress.Stored

    func verifySource() throws(DeliveryFailure) { try run.file.verifyUnchanged() }

    func announce(_ publishing: Progress.Publishing) async throws(DeliveryFailure) {
        try await run.context.save(Progress(stored: stored, publishing: publishing).checkpoint(for: run.plan.target))
    }

    func settle() async {
        guard let checkpoint = try? Progress(stored: stored).checkpoint(for: run.plan.target) else { return }
        // When the journal cannot take it, what was announced stands: the later attempt asks before it believes.
        try? await run.context.save(checkpoint)
    }
}
