import PouchKit
import Synchronization

/// What takes hours: a few of each partner at a time, and each delivery once. They hold no slot of the service, so that others go
/// on.
final class LengthyCopies: Sendable {
    /// A delivery's turn, until it is let go.
    final class Turn: Sendable {
        private let copies: LengthyCopies
        private let delivery: DeliveryID
        private let slot: TransferSlot

        fileprivate init(_ copies: LengthyCopies, _ delivery: DeliveryID, _ slot: TransferSlot) {
            (self.copies, self.delivery, self.slot) = (copies, delivery, slot)
        }

        deinit { copies.end(delivery) }
    }

    private struct State {
        var lines: [PartnerName: TransferBudget] = [:]
        var underWay: Set<DeliveryID> = []
    }

    /// Names this run in notes to other publishers.
    let run: String
    private let mostOfOnePartner: Int
    private let state = Mutex(State())

    init(mostOfOnePartner: Int, run: String) {
        self.mostOfOnePartner = mostOfOnePartner
        self.run = run
    }

    /// Waits in the partner's line.
    ///
    /// - Throws: `DeliveryFailure` with `.retry` when the delivery is under way here already, and when the task was cancelled.
    func turn(of delivery: DeliveryID, for partner: PartnerName) async throws(DeliveryFailure) -> Turn {
        let line: TransferBudget? = state.withLock { state in
            guard state.underWay.insert(delivery).inserted else { return nil }
            if let line = state.lines[partner] { return line }
            let line = TransferBudget(TransferBudget.Limits(atOnce: mostOfOnePartner))
            state.lines[partner] = line
            return line
        }
        let attempt = "put delivery \(delivery) together in the inbox of \(partner)"
        guard let line else {
            throw DeliveryFailure(
                .retry, code: "under-way", attempt: attempt,
                cause: "this publisher is at it, for another event")
        }
        guard let slot = await line.slot() else {
            end(delivery)
            throw DeliveryFailure(.retry, code: "cancelled", attempt: attempt, cause: "it was cancelled")
        }
        return Turn(self, delivery, slot)
    }

    private func end(_ delivery: DeliveryID) { state.withLock { _ = $0.underWay.remove(delivery) } }
}
