import GRDB
import PouchKit

/// Owns the connection that writes, on the journal's own thread: group commit.
///
/// Operations that wait together share one transaction and one fsync, each in a savepoint of its own, so that one that fails
/// takes nobody with it. Tickets are redeemed after COMMIT returned, never before.
final class JournalWriter {
    private enum Connection {
        case open(DatabaseQueue)
        /// The file system failed under it: nothing is trusted until it was opened again and a commit went through.
        case distrusted
        case closed
    }

    private let open: @Sendable () throws -> DatabaseQueue
    private let options: JournalOptions
    private let onDamage: @Sendable (JournalFailure) -> Void
    private var connection: Connection
    private let words = WordCache()
    private var commits = 0

    init(
        _ queue: DatabaseQueue,
        options: JournalOptions,
        onDamage: @escaping @Sendable (JournalFailure) -> Void,
        open: @escaping @Sendable () throws -> DatabaseQueue
    ) {
        connection = .open(queue)
        self.options = options
        self.onDamage = onDamage
        self.open = open
    }

    /// Runs the batch in one transaction and redeems its tickets, whatever happens.
    func commit(_ batch: [Operation]) {
        do {
            let queue = try trustedQueue()
            let results = try queue.writeWithoutTransaction { db in try run(batch, in: db) }
            announce(batch, results)
            redeem(batch, results)
        } catch {
            words.numbers = [:]
            let failure = JournalFailure(error, attempt: "commit")
            distrustIfNeeded(after: failure)
            for operation in batch { operation.refuse(failure.during(operation.attempt())) }
        }
    }

    /// Closes the connection, marking the journal as closed in good order where that is so.
    func close(inGoodOrder isGood: Bool) {
        guard case .open(let queue) = connection else {
            connection = .closed
            return
        }
        connection = .closed
        // Without the mark the next opening looks through the database, which does no harm.
        try? queue.writeWithoutTransaction { db in
            guard isGood else { return }
            try db.execute(sql: "UPDATE journal SET closed_cleanly = 1")
            try db.checkpoint(.truncate)
        }
        try? queue.close()
    }

    private typealias Results = [Result<@Sendable () -> Void, JournalFailure>]

    private func run(_ batch: [Operation], in db: Database) throws -> Results {
        try db.beginTransaction(.immediate)
        do {
            let session = WriteSession(db: db, words: words, tally: Tally())
            var results: Results = []
            results.reserveCapacity(batch.count)
            for operation in batch { results.append(try runAlone(operation, in: session)) }
            try session.writeCounts()
            try db.commit()
            return results
        } catch {
            // What matters is the first error; a rollback that fails too leaves a connection that is not used again.
            try? db.rollback()
            throw error
        }
    }

    /// - Throws: what took the whole transaction down.
    private func runAlone(_ operation: Operation, in session: WriteSession) throws -> Result<@Sendable () -> Void, JournalFailure> {
        try session.run("SAVEPOINT operation")
        do {
            let redeem = try operation.perform(session)
            try session.run("RELEASE SAVEPOINT operation")
            session.tally.keep()
            return .success(redeem)
        } catch {
            words.numbers = [:]
            session.tally.drop()
            let failure = JournalFailure(error, attempt: operation.attempt())
            // SQLite rolls the whole transaction back by itself after some failures of the disk.
            guard session.db.isInsideTransaction, failure.kind != .inputOutput, failure.kind != .damaged else { throw failure }
            try session.run("ROLLBACK TO SAVEPOINT operation")
            try session.run("RELEASE SAVEPOINT operation")
            return .failure(failure)
        }
    }

    private func announce(_ batch: [Operation], _ results: Results) {
        commits += 1
        guard let onCommit = options.onCommit else { return }
        var done: [JournalOperation] = []
        for (operation, result) in zip(batch, results) {
            if case .success = result { done.append(operation.name) }
        }
        onCommit(JournalCommit(number: commits, operations: done))
    }

    private func redeem(_ batch: [Operation], _ results: Results) {
        for (operation, result) in zip(batch, results) {
            switch result {
            case .success(let redeem): redeem()
            case .failure(let failure): operation.refuse(failure)
            }
        }
    }

    /// After a failed write or fsync the kernel may have dropped what it could not write and answer the next fsync with
    /// success. The connection is closed with all that it holds in memory and opened again; the readers stay open
    /// meanwhile, so that SQLite goes on where the last good commit ended instead of reading back frames that never reached
    /// the disk. One commit of our own then overwrites the first of those frames, which makes the rest of them invalid.
    private func trustedQueue() throws -> DatabaseQueue {
        switch connection {
        case .open(let queue): return queue
        case .closed: throw Refusal(.closed, "the journal is closed")
        case .distrusted:
            let queue = try open()
            do {
                try queue.writeWithoutTransaction { db in
                    try db.execute(sql: "UPDATE journal SET openings = openings + 1")
                }
            } catch {
                try? queue.close()
                throw error
            }
            connection = .open(queue)
            return queue
        }
    }

    private func distrustIfNeeded(after failure: JournalFailure) {
        guard case .open(let queue) = connection else { return }
        switch failure.kind {
        case .diskFull, .notWritable:
            // SQLite rolled back, and what it could not write was never promised. A transaction that could not even be rolled back
            // would fail every later BEGIN.
            let isStuck = queue.writeWithoutTransaction { db in
                // The WAL may be what fills the disk; what it holds may have its place in the database already.
                _ = try? db.checkpoint(.truncate)
                return db.isInsideTransaction
            }
            if !isStuck { return }
        case .damaged: onDamage(failure)
        default: break
        }
        try? queue.close()
        connection = .distrusted
    }
}
