import Synchronization

/// What an operation on the journal returns at once: the operation is queued, and `value()` waits until it is on disk.
///
/// Tickets are redeemed in the order of submission: when one is, everything submitted before it is on disk or has failed.
/// A ticket may be dropped; its operation is done all the same.
package struct Ticket<Value: Sendable>: Sendable {
    private let promise: Promise<Value>

    init(_ promise: Promise<Value>) { self.promise = promise }

    /// A ticket that failed before it was queued.
    init(failed failure: JournalFailure) {
        promise = Promise()
        promise.settle(.failure(failure))
    }

    /// Waits for the commit. It may be called more than once and from several tasks. It does not end early on cancellation:
    /// a commit takes milliseconds, and what it says must not get lost.
    ///
    /// - Throws: `JournalFailure` when this operation was refused, or when the commit that it was part of failed.
    @discardableResult
    package func value() async throws(JournalFailure) -> Value { try await promise.result().get() }
}

/// A result that comes later, once.
final class Promise<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, JournalFailure>

    private enum State {
        case open([@Sendable (Outcome) -> Void])
        case settled(Outcome)
    }

    private let state = Mutex(State.open([]))

    /// The first result counts.
    func settle(_ outcome: Outcome) {
        let waiting = state.withLock { state -> [@Sendable (Outcome) -> Void] in
            guard case .open(let waiting) = state else { return [] }
            state = .settled(outcome)
            return waiting
        }
        for tell in waiting { tell(outcome) }
    }

    /// Calls `tell` once: now, or when the result is there, on the thread that brings it.
    func whenSettled(_ tell: @escaping @Sendable (Outcome) -> Void) {
        let settled = state.withLock { state -> Outcome? in
            switch state {
            case .open(let waiting):
                state = .open(waiting + [tell])
                return nil
            case .settled(let outcome): return outcome
            }
        }
        if let settled { tell(settled) }
    }

    /// `nil` while it is open.
    var outcome: Outcome? {
        state.withLock { state in
            guard case .settled(let outcome) = state else { return nil }
            return outcome
        }
    }

    func result() async -> Outcome {
        await withCheckedContinuation { continuation in whenSettled { continuation.resume(returning: $0) } }
    }
}
