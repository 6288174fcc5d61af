package import PouchKit
import Synchronization

/// Temporary credentials, exchanged ahead of their end. One refresh runs at a time, in the task of whoever asked first; those who
/// ask meanwhile go on with the old ones while they are valid, and wait otherwise.
package final class RefreshingCredentials: CredentialSource {
    package struct Fresh: Sendable {
        /// Longer than any agent runs: for credentials of which nobody said when they end.
        static let endless: Duration = .seconds(100 * 365 * 86_400)

        package let credentials: Credentials
        package let lifetime: Duration

        package init(credentials: Credentials, lifetime: Duration) {
            self.credentials = credentials
            self.lifetime = lifetime
        }
    }

    private struct Current {
        var credentials: Credentials
        var schedule: RefreshSchedule
    }

    private struct State {
        var current: Current?
        var isRefreshing = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    private enum Turn {
        case use(Credentials)
        case refresh(fallback: Credentials?)
        case wait
    }

    package let explanation: String
    private let steps: @Sendable () -> [CredentialStep]
    private let clock: any AgentClock
    private let obtain: @Sendable () async throws(CredentialFailure) -> Fresh
    private let state = Mutex(State())

    package init(
        explanation: String,
        story: @escaping @Sendable () -> [CredentialStep] = { [] },
        clock: any AgentClock,
        obtain: @escaping @Sendable () async throws(CredentialFailure) -> Fresh
    ) {
        self.explanation = explanation
        steps = story
        self.clock = clock
        self.obtain = obtain
    }

    package var story: [CredentialStep] { steps() }

    package func credentials() async throws(CredentialFailure) -> Credentials {
        while true {
            switch takeTurn() {
            case .use(let credentials): return credentials
            case .refresh(let fallback): return try await refresh(fallback: fallback)
            case .wait: try await waitForRefresh()
            }
        }
    }

    package func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        // Another task may have exchanged them already.
        state.withLock { if $0.current?.credentials == refused { $0.current = nil } }
        return try await credentials()
    }

    private func takeTurn() -> Turn {
        let now = clock.monotonic
        return state.withLock { state in
            let current = state.current
            let advice = current?.schedule.advice(at: now) ?? .expired
            let isUsable = advice != .expired
            if let current, advice == .use || (state.isRefreshing && advice == .refreshAhead) { return .use(current.credentials) }
            if state.isRefreshing { return .wait }
            state.isRefreshing = true
            return .refresh(fallback: isUsable ? current?.credentials : nil)
        }
    }

    private func refresh(fallback: Credentials?) async throws(CredentialFailure) -> Credentials {
        do throws(CredentialFailure) {
            let fresh = try await obtain()
            let now = clock.monotonic
            finish { state in
                state.current = Current(
                    credentials: fresh.credentials, schedule: RefreshSchedule(obtained: now, lifetime: fresh.lifetime))
            }
            return fresh.credentials
        } catch {
            let now = clock.monotonic
            finish { $0.current?.schedule.failed(at: now) }
            if let fallback { return fallback }
            throw error
        }
    }

    private func finish(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            state.isRefreshing = false
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the refresh ended, well or not: whoever waited looks again, and may be the next to try.
    private func waitForRefresh() async throws(CredentialFailure) {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.isRefreshing, !Task.isCancelled else { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
        if Task.isCancelled {
            throw CredentialFailure(step: "wait for \(explanation)", cause: "cancelled", isTemporary: true)
        }
    }
}
