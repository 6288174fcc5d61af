package import PouchKit
import Synchronization

/// A clock that stands still until it is moved; whoever sleeps on it wakes then.
package final class ManualClock: AgentClock {
    private struct Sleeper {
        let deadline: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var monotonic: Duration = .zero
        var sleepers: [Int: Sleeper] = [:]
        var nextSleeper = 0
        /// Cancelled before they could lie down.
        var cancelled: Set<Int> = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    /// - Parameter now: 2026-11-23T14:05:09Z unless another time is wanted.
    package init(now: Timestamp = Timestamp(seconds: 1_795_442_709)) { state = Mutex(State(now: now)) }

    package var now: Timestamp { state.withLock { $0.now } }
    package var monotonic: Duration { state.withLock { $0.monotonic } }
    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Moves both clocks and wakes whose time has come, in the order of their deadlines.
    package func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            state.monotonic += duration
            let due = state.sleepers.filter { $0.value.deadline <= state.monotonic }
            for number in due.keys { state.sleepers[number] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
        }
        for (_, sleeper) in woken { sleeper.continuation.resume() }
    }

    /// Sets the wall clock, forwards or backwards. Nobody wakes from it.
    package func setWallClock(to time: Timestamp) { state.withLock { $0.now = time } }

    /// Returns when so many sleep: what is to wake them has been reached.
    package func sleepers(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }

    package func sleep(for duration: Duration) async throws {
        let number = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { lieDown(number, for: duration, $0) }
        } onCancel: {
            let sleeper = state.withLock { state in
                if let sleeper = state.sleepers.removeValue(forKey: number) { return Optional(sleeper) }
                state.cancelled.insert(number)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func lieDown(_ number: Int, for duration: Duration, _ continuation: CheckedContinuation<Void, any Error>) {
        enum Rest {
            case none, refused
            case asleep([CheckedContinuation<Void, Never>])
        }
        let rest = state.withLock { state -> Rest in
            if state.cancelled.remove(number) != nil { return .refused }
            if duration <= .zero { return .none }
            state.sleepers[number] = Sleeper(deadline: state.monotonic + duration, continuation: continuation)
            let count = state.sleepers.count
            let reached = state.watchers.filter { $0.count <= count }
            state.watchers.removeAll { $0.count <= count }
            return .asleep(reached.map(\.continuation))
        }
        switch rest {
        case .none: continuation.resume()
        case .refused: continuation.resume(throwing: CancellationError())
        case .asleep(let watchers): for watcher in watchers { watcher.resume() }
        }
    }
}
