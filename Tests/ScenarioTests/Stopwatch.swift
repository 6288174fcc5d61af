import Synchronization

/// Time since something that another task saw.
final class Stopwatch: Sendable {
    private let began = Mutex(ContinuousClock.now)

    func start() { began.withLock { $0 = .now } }

    var elapsed: Duration { began.withLock { .now - $0 } }
}
