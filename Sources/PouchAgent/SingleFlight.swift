import Synchronization

/// Computes a value once, however many ask for it at the same time. A failure is not kept: the next one who asks tries again.
package final class SingleFlight<Value: Sendable, Failure: Error>: Sendable {
    private enum State {
        case idle
        case running([CheckedContinuation<Result<Value, Failure>?, Never>])
        case done(Value)
    }

    private let state: Mutex<State>

    package init(known value: Value? = nil) { state = Mutex(value.map(State.done) ?? .idle) }

    /// The value, if it is there already.
    package var known: Value? {
        state.withLock { state in
            if case .done(let value) = state { return value }
            return nil
        }
    }

    /// The first caller computes, in its own task; others wait for it. If it fails, one of those who waited computes in its place.
    package func value(_ compute: @Sendable () async throws(Failure) -> Value) async throws(Failure) -> Value {
        while true {
            if let known { return known }
            let begins = state.withLock { state in
                if case .idle = state {
                    state = .running([])
                    return true
                }
                return false
            }
            if begins { return try await run(compute) }
            let outcome: Result<Value, Failure>? = await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if case .running(let waiters) = state {
                        state = .running(waiters + [continuation])
                        return false
                    }
                    return true
                }
                if isOver { continuation.resume(returning: nil) }
            }
            if case .success(let value) = outcome { return value }
        }
    }

    private func run(_ compute: @Sendable () async throws(Failure) -> Value) async throws(Failure) -> Value {
        do {
            let value = try await compute()
            finish(.success(value), leaving: .done(value))
            return value
        } catch {
            finish(.failure(error), leaving: .idle)
            throw error
        }
    }

    private func finish(_ outcome: Result<Value, Failure>, leaving next: State) {
        let waiters = state.withLock { state in
            defer { state = next }
            if case .running(let waiters) = state { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }
}
