import PouchKit
import Synchronization

/// The sessions of an engine, each with a loop of its own.
///
/// libcurl closes a remote file, and does what follows a transfer, in calls that wait for the server's answers. On one thread, sessions
/// would wait for each other, and one that hangs would hold up all.
final class SFTPSessions: Sendable {
    struct Session: Sendable {
        let loop: TransferLoop
        let watch: TurnWatch

        init(limit: Duration) {
            watch = TurnWatch(limit: limit)
            loop = TransferLoop(maximumTransfers: 1, watch: watch)
        }
    }

    private let all: [Session]
    private let line: TransferBudget
    /// As many as there are free places in the line.
    private let idle: Mutex<[Session]>

    /// - Parameter limit: How long a thread may stay in libcurl without a sign of life.
    init(count: Int, limit: Duration) {
        all = (0..<count).map { _ in Session(limit: limit) }
        line = TransferBudget(TransferBudget.Limits(atOnce: count))
        idle = Mutex(all)
    }

    /// Lends a session to one request at a time, in their order. The one that was used last comes first: no more are opened than are
    /// needed.
    ///
    /// - Returns: `nil` when the task was cancelled before its turn.
    func lend<Answer: Sendable>(_ use: (Session) async -> Answer) async -> Answer? {
        guard let place = await line.slot() else { return nil }
        let session = idle.withLock { $0.removeLast() }
        // The session before its place.
        defer { withExtendedLifetime(place) { idle.withLock { $0.append(session) } } }
        return await use(session)
    }

    func close() { for session in all { session.loop.close() } }
}
