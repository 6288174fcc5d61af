import Synchronization

/// Lets in as many as the plugin takes at once, in the order in which they came; who must be alone waits until all others have left.
final class InFlightGate: Sendable {
    private struct Waiter {
        let number: Int
        let alone: Bool
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var capacity = 1
        var inside = 0
        var isTakenAlone = false
        var waiters: [Waiter] = []
        var next = 0
        /// Cancelled before they could queue up.
        var cancelled: Set<Int> = []

        mutating func admit() -> [CheckedContinuation<Void, any Error>] {
            var admitted: [CheckedContinuation<Void, any Error>] = []
            while let first = waiters.first, !isTakenAlone, first.alone ? inside == 0 : inside < capacity {
                inside += 1
                isTakenAlone = first.alone
                admitted.append(first.continuation)
                waiters.removeFirst()
            }
            return admitted
        }
    }

    private let state = Mutex(State())

    func widen(to capacity: Int) {
        let admitted = state.withLock { state in
            state.capacity = max(capacity, 1)
            return state.admit()
        }
        for continuation in admitted { continuation.resume() }
    }

    /// - Throws: `CancellationError`; then nobody is to leave.
    func enter(alone: Bool = false) async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (admitted, wasCancelled) = state.withLock { state in
                    guard state.cancelled.remove(number) == nil else { return ([continuation][..<0], true) }
                    state.waiters.append(Waiter(number: number, alone: alone, continuation: continuation))
                    return (state.admit()[...], false)
                }
                if wasCancelled { continuation.resume(throwing: CancellationError()) }
                for continuation in admitted { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                if let index = state.waiters.firstIndex(where: { $0.number == number }) { return state.waiters.remove(at: index) }
                state.cancelled.insert(number)
                return nil
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.cancelled.remove(number) }
    }

    func leave() {
        let admitted = state.withLock { state in
            state.inside -= 1
            state.isTakenAlone = false
            return state.admit()
        }
        for continuation in admitted { continuation.resume() }
    }
}
