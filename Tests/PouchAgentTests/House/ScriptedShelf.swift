import PouchKit
import Synchronization

/// Receipts of another publisher, as soon as there are any.
final class ScriptedShelf: ReceiptShelf {
    private struct State {
        var answer: Result<Receipt?, DeliveryFailure> = .success(nil)
        var asked: [DeliveryID] = []
    }

    private let state = Mutex(State())

    var asked: [DeliveryID] { state.withLock { $0.asked } }

    func change(to answer: Result<Receipt?, DeliveryFailure>) { state.withLock { $0.answer = answer } }

    func receipt(of delivery: DeliveryID, digests: FileDigests) async throws(DeliveryFailure) -> Receipt? {
        let answer = state.withLock { state in
            state.asked.append(delivery)
            return state.answer
        }
        return try answer.get()
    }
}
