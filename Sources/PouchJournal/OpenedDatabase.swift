import GRDB
import Glibc
import PouchKit

/// A journal's connections, after everything that opening promises was done.
struct OpenedDatabase {
    let location: DatabaseLocation
    let writer: DatabaseQueue
    let lanes: DatabaseQueue
    let observers: DatabaseQueue
    let report: OpeningReport

    /// - Throws: whatever SQLite threw, or a `Refusal`.
    static func open(_ location: DatabaseLocation, agent: String, now: Timestamp) throws -> OpenedDatabase {
        do {
            return try open(location, agent: agent, after: nil)
        } catch {
            let failure = JournalFailure(error, attempt: "open the journal \(location.path)")
            guard failure.kind == .damaged else { throw failure }
            let damage = OpeningReport.Damage(cause: failure.cause, keptAt: try keepAside(location.path, now: now))
            return try open(location, agent: agent, after: damage)
        }
    }

    private static func open(
        _ location: DatabaseLocation,
        agent: String,
        after damage: OpeningReport.Damage?
    ) throws -> OpenedDatabase {
        let writer = try location.openForWriting()
        do {
            try JournalSchema.migrator.migrate(writer)
            let former = try writer.writeWithoutTransaction { db in try formerLife(in: db) }
            let interrupted = try writer.writeWithoutTransaction { db in try begin(in: db, agent: agent, former: former) }
            let lanes = try location.openForReading()
            let observers = try location.openForReading()
            let report = OpeningReport(
                path: location.path,
                isNew: former == nil,
                damage: damage,
                wasClosedCleanly: former?.wasClosedCleanly ?? true,
                interrupted: interrupted,
                formerAgent: former.flatMap { $0.agent == agent ? nil : $0.agent }
            )
            return OpenedDatabase(location: location, writer: writer, lanes: lanes, observers: observers, report: report)
        } catch {
            // The first error is what matters, and the file may have to be moved.
            try? writer.close()
            throw error
        }
    }

    private struct FormerLife {
        let agent: String
        let wasClosedCleanly: Bool
    }

    /// What the last user of the journal left, looked through when it ended in a crash; `nil` for a new journal.
    private static func formerLife(in db: Database) throws -> FormerLife? {
        guard let row = try Row.fetchOne(db, sql: "SELECT agent, closed_cleanly FROM journal") else { return nil }
        let fields = Fields(row)
        let former = FormerLife(agent: try fields.next(), wasClosedCleanly: try fields.next())
        if !former.wasClosedCleanly {
            let finding = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
            guard finding == "ok" else { throw Refusal(.damaged, "quick_check after a crash: \(finding)") }
        }
        return former
    }

    /// Takes possession: nobody works on any delivery now, so that what was in an attempt waits again.
    private static func begin(in db: Database, agent: String, former: FormerLife?) throws -> Int {
        var interrupted = 0
        try db.inTransaction(.immediate) {
            let session = WriteSession(db: db, words: WordCache())
            try session.run(
                """
                INSERT INTO journal (id, agent, closed_cleanly, openings, chain_sequence, chain_previous) VALUES (1, ?, 0, 1, ?, ?)
                ON CONFLICT DO UPDATE SET agent = excluded.agent, closed_cleanly = 0, openings = openings + 1
                """,
                [agent, ManifestPosition.first.sequence, ManifestPosition.first.previous.blob]
            )
            interrupted = try session.interruptAll()
            return .commit
        }
        return interrupted
    }

    /// Renames the database and its WAL, so that `sqlite3` still opens them together; the index of the WAL can be rebuilt.
    private static func keepAside(_ path: String, now: Timestamp) throws(JournalFailure) -> String {
        let time = String(now.description.prefix(19)).filter { $0 != "-" && $0 != ":" } + "Z"
        var aside = "\(path).damaged-\(time)"
        var number = 1
        while access(aside, F_OK) == 0 {
            number += 1
            aside = "\(path).damaged-\(time)-\(number)"
        }
        // The WAL first: a crash in between leaves a database without its WAL, which opens as damaged again, and never a new
        // database beside the old WAL.
        for suffix in ["-wal", ""] where rename(path + suffix, aside + suffix) != 0 && errno != ENOENT {
            throw JournalFailure(
                .cannotOpen,
                attempt: "keep the damaged journal aside as \(aside + suffix)",
                cause: String(cString: strerror(errno))
            )
        }
        unlink(path + "-shm")
        return aside
    }
}

extension WriteSession {
    /// Deliveries whose attempt was running wait again, at once.
    fileprivate func interruptAll() throws -> Int {
        let cursor = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT d.uuid, d.attempts FROM delivery d WHERE d.due IS NULL AND d.state BETWEEN 1 AND 4 ORDER BY d.id
                    """)
        )
        var running: [(id: DeliveryID, attempts: Int)] = []
        while let row = try cursor.next() {
            let fields = Fields(row)
            running.append((try fields.deliveryID(), try fields.next()))
        }
        for (id, attempts) in running {
            let row = try delivery(id)
            try move(row, to: row.state.afterInterruption, due: 0)
            try record(
                .interrupted, file: row.file, delivery: row.sequence, at: SystemClock().now,
                "attempt \(attempts), \(row.state.rawValue)"
            )
        }
        return running.count
    }
}
