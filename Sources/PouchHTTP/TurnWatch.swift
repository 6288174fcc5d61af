import Dispatch
import PouchKit
import Synchronization

/// Cuts the sockets of a loop whose thread does not come back from libcurl.
///
/// libssh2 reads for as long as something comes: a server that never ends its banner, the lines before it, or its packets to be ignored,
/// keeps the thread in one call, which never returns to look at a timeout.
final class TurnWatch: Sendable {
    private struct State {
        /// Of the turn under way, by the machine's monotonic clock.
        var lastSign: Duration?
        var hasCut = false
    }

    /// Without a sign of life.
    let limit: Duration
    let sockets = OpenSockets()
    private let state = Mutex(State())

    init(limit: Duration) { self.limit = limit }

    /// The thread goes into libcurl.
    func begin(at now: Duration) { state.withLock { $0 = State(lastSign: now) } }

    /// The thread came back.
    func end() { state.withLock { $0.lastSign = nil } }

    /// In the turn under way.
    var hasCut: Bool { state.withLock { $0.hasCut } }

    /// libcurl came to its own code, and looks at its timeouts.
    func sign(at now: Duration) {
        state.withLock { state in
            if state.lastSign != nil { state.lastSign = now }
        }
    }

    /// Looks now and then, until the timer is cancelled.
    func timer() -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: .global())
        let interval = DispatchTimeInterval.milliseconds(max(10, (limit / 8).wholeMilliseconds))
        timer.schedule(deadline: .now() + interval, repeating: interval)
        timer.setEventHandler { self.look() }
        timer.activate()
        return timer
    }

    private func look() {
        state.withLock { state in
            guard let lastSign = state.lastSign, SystemClock().monotonic - lastSign >= limit else { return }
            state.hasCut = true
            // Under the lock: no turn begins, and no connection with it, between the look and the cut.
            sockets.cut()
        }
    }
}
