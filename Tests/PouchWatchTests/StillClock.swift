import PouchKit
import Synchronization

/// A clock that moves when it is told to.
final class StillClock: AgentClock {
    private struct State {
        var time: Duration = .seconds(1_000)
        var sleepers: [Int: (until: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var cancelled: Set<Int> = []
        var nextSleeper = 0
    }

    private let state = Mutex(State())

    var now: Timestamp { Timestamp(nanoseconds: 0).advanced(by: monotonic) }
    var monotonic: Duration { state.withLock { $0.time } }

    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.time += duration
            let due = state.sleepers.filter { $0.value.until <= state.time }
            for number in due.keys { state.sleepers[number] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    func sleep(for duration: Duration) async throws {
        let number = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isOver = state.withLock { state -> Bool? in
                    if state.cancelled.remove(number) != nil { return nil }
                    if duration <= .zero { return true }
                    state.sleepers[number] = (state.time + duration, continuation)
                    return false
                }
                if isOver == nil { continuation.resume(throwing: CancellationError()) }
                if isOver == true { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                if let sleeper = state.sleepers.removeValue(forKey: number) { return sleeper.continuation }
                state.cancelled.insert(number)
                return nil
            }
            sleeper?.resume(throwing: CancellationError())
        }
    }
}
