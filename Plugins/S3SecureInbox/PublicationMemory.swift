import PouchKit
import Synchronization

/// What a publication asks of the one who runs it: the agent has a journal and the file; the publisher's service has neither.
protocol PublicationMemory: Sendable {
    /// Whether an earlier attempt at this delivery would be known.
    var remembersAttempts: Bool { get }

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

/// What is announced at this moment.
final class StandingAnnouncement: Sendable {
    private let state: Mutex<Progress.Publishing?>

    init(_ announced: Progress.Publishing?) { state = Mutex(announced) }

    var current: Progress.Publishing? { state.withLock { $0 } }

    func change(to publishing: Progress.Publishing?) { state.withLock { $0 = publishing } }
}

/// The agent's: checkpoints in its journal, and the file on its disk.
struct JournalledPublication: PublicationMemory {
    let run: DeliveryRun
    let stored: Progress.Stored

    var remembersAttempts: Bool { true }

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

/// The service's: nothing is kept. What happened before is asked of the inbox, and the object in the repository is named by its
/// version and ETag.
struct UnrecordedPublication: PublicationMemory {
    var remembersAttempts: Bool { false }

    func verifySource() throws(DeliveryFailure) {}

    func announce(_ publishing: Progress.Publishing) async throws(DeliveryFailure) {}

    func settle() async {}
}
