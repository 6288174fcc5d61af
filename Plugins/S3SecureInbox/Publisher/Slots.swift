import PouchKit
import Synchronization

/// How many consignments may still be taken up. One waits for slots, any number give them back.
final class Slots: Sendable {
    private struct State {
        var pace: PublishingPace
        var inUse = 0
        var waiter: CheckedContinuation<Void, Never>?
        var isClosed = false

        var free: Int { max(pace.atOnce - inUse, 0) }
    }

    private let state: Mutex<State>

    init(most: Int) { state = Mutex(State(pace: PublishingPace(most: most))) }

    var inUse: Int { state.withLock { $0.inUse } }
    var pace: PublishingPace { state.withLock { $0.pace } }

    /// Waits until slots are free, and takes as many as are and as one call to the queue can fill; `nil` when it was closed.
    ///
    /// - Parameter gather: Waits for a moment: where fewer are free, others may be right behind, and one call brings for all.
    func take(atMost wanted: Int, gather: () async -> Void) async -> Int? {
        guard let free = await untilFree() else { return nil }
        if free < min(wanted, pace.most) { await gather() }
        guard await untilFree() != nil else { return nil }
        return state.withLock { state in
            guard !state.isClosed else { return nil }
            // Only we take, but the pace may have slowed down meanwhile: then one more than it allows is under way.
            let taken = max(min(wanted, state.free), 1)
            state.inUse += taken
            return taken
        }
    }

    private func untilFree() async -> Int? {
        while true {
            let (free, isClosed) = state.withLock { ($0.free, $0.isClosed) }
            if isClosed { return nil }
            if free > 0 { return free }
            await withCheckedContinuation { continuation in
                let passes = state.withLock { state in
                    if state.isClosed || state.free > 0 { return true }
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

/// One slot, given back once: by what may take hours when it begins, and by everything else at its end.
final class SlotHold: Sendable {
    private let slots: Slots
    private let isGivenBack = Mutex(false)

    init(_ slots: Slots) { self.slots = slots }

    func giveBack() {
        guard
            isGivenBack.withLock({ given in
                defer { given = true }
                return !given
            })
        else { return }
        slots.give(back: 1)
    }
}
