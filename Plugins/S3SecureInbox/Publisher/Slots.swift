import PouchKit
import Synchronization

/// How many consignments may still be taken up. One waits for slots, any number give them back.
final class Slots: Sendable {
    private struct State {
        var pace: PublishingPace
        var inUse = 0
        var waiter: CheckedContinuation<Void, Never>?
        var isClosed = false
    }

    private let state: Mutex<State>

    init(most: Int) { state = Mutex(State(pace: PublishingPace(most: most))) }

    var inUse: Int { state.withLock { $0.inUse } }
    var pace: PublishingPace { state.withLock { $0.pace } }

    /// Waits until as many slots are free as one call to the queue can fill, or as there are at all, and takes them; `nil` when it was
    /// closed.
    func take(atMost wanted: Int) async -> Int? {
        while true {
            let (taken, isClosed) = state.withLock { state -> (Int, Bool) in
                let batch = min(wanted, state.pace.atOnce)
                guard !state.isClosed, state.inUse + batch <= state.pace.atOnce else { return (0, state.isClosed) }
                state.inUse += batch
                return (batch, false)
            }
            if isClosed { return nil }
            if taken > 0 { return taken }
            await withCheckedContinuation { continuation in
                let passes = state.withLock { state in
                    let batch = min(wanted, state.pace.atOnce)
                    if state.isClosed || state.inUse + batch <= state.pace.atOnce { return true }
                    state.waiter = continuation
                    return false
                }
                if passes { continuation.resume() }
            }
        }
    }

    func give(back count: Int) { wake { $0.inUse -= count } }

    func change(_ change: (inout PublishingPace) -> Void) { wake { change(&$0.pace) } }

    /// Nothing is taken any more.
    func close() { wake { $0.isClosed = true } }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
