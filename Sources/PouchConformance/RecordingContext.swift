package import PouchKit
import Synchronization

/// Lends a destination what the agent would lend, and writes down what it does with it.
package final class RecordingContext: Sendable {
    /// Where a delivery stands when it asks for something to be durable.
    package enum Moment: Hashable, Sendable {
        /// The how-manieth, from 1.
        case save(Int, Checkpoint)
        case barrier(Int)
    }

    private struct State {
        var saved: [Checkpoint] = []
        var barriers = 0
        var progress: [Int64] = []
    }

    package let context: DeliveryContext
    package var delivery: DeliveryID { context.delivery }
    private let state: Shared

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    /// - Parameters:
    ///   - whenDurable: runs before each save and barrier returns; what it throws is what the journal would throw. A save is
    ///     noted before it runs: as if the agent had died with the checkpoint on disk.
    ///   - whenSent: runs with each report of progress.
    package init(
        key: DeliveryKey,
        delivery: DeliveryID = .random(),
        attempt: Int = 1,
        limits: TransferBudget.Limits = TransferBudget.Limits(),
        whenDurable: @escaping @Sendable (Moment) async throws(DeliveryFailure) -> Void = { (_) async throws(DeliveryFailure) in },
        whenSent: @escaping @Sendable (Int64) -> Void = { _ in }
    ) {
        let shared = Shared()
        state = shared
        context = DeliveryContext(
            delivery: delivery,
            partner: PartnerName(unchecked: "acme"),
            route: RouteName(unchecked: "everything"),
            agent: "edge-test",
            key: key,
            attempt: attempt,
            budget: TransferBudget(limits),
            saving: { (checkpoint) async throws(DeliveryFailure) in
                let number = shared.state.withLock { state in
                    state.saved.append(checkpoint)
                    return state.saved.count
                }
                try await whenDurable(.save(number, checkpoint))
            },
            durable: { () async throws(DeliveryFailure) in
                let number = shared.state.withLock { state in
                    state.barriers += 1
                    return state.barriers
                }
                try await whenDurable(.barrier(number))
            },
            progress: { sent in
                shared.state.withLock { $0.progress.append(sent) }
                whenSent(sent)
            }
        )
    }

    /// Every checkpoint that was handed over to be saved, in order.
    package var saved: [Checkpoint] { state.state.withLock { $0.saved } }
    package var barriers: Int { state.state.withLock { $0.barriers } }
    package var progress: [Int64] { state.state.withLock { $0.progress } }

    /// What a journal that cannot write says.
    package static let journalFailure = DeliveryFailure(
        .retry, code: "journal", attempt: "save the checkpoint", cause: "the journal's disk is full")
}
