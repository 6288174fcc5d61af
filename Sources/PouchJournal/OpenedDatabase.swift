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

    /// - Throws: whatever SQLite threw, a `Refusal`, or the `JournalFailure` of keeping a damaged database aside.
    static func open(_ location: DatabaseLocation, agent: String, now: Timestamp) throws -> OpenedDatabase {
        do {
            return try open(location, agent: agent, now: now, after: nil)
        } catch let found as FoundDamage {
            return try open(location, agent: agent, now: now, after: found.damage)
        }
    }

    /// The database could not be trusted and lies aside.
    private struct FoundDamage: Error {
        let damage: OpeningReport.Damage

        /// - Throws: the error itself, when it is of another kind.
        init(_ error: any Error, in path: String, now: Timestamp) throws {
            let failure = JournalFailure(error, attempt: "open the journal \(path)")
            guard failure.kind == .damaged else { throw error }
            damage = OpeningReport.Damage(cause: failure.cause, keptAt: try OpenedDatabase.keepAside(path, now: now))
        }
    }

    private static func open(
        _ location: DatabaseLocation,
        agent: String,
        now: Timestamp,
        after damage: OpeningReport.Damage?
    ) throws -> OpenedDatabase {
        let writer: DatabaseQueue
        do {
            writer = try location.openForWriting()
        } catch {
            throw try FoundDamage(error, in: location.path, now: now)
        }
        do {
            try JournalSchema.migrator.migrate(writer)
            let former = try writer.writeWithoutTransaction { db in try formerLife(in: db) }
            let interrupted = try writer.writeWithoutTransaction { db in try begin(in: db, agent: agent, now: now) }
            let report = OpeningReport(
                path: location.path,
                isNew: former == nil,
                damage: damage,
                wasClosedCleanly: former?.wasClosedCleanly ?? true,
                interrupted: interrupted,
                formerAgent: former.flatMap { $0.agent == agent ? nil : $0.agent }
            )
            return OpenedDatabase(
                location: location,
                writer: writer,
                lanes: try location.openForReading(),
                observers: try location.openForReading(),
                report: report
            )
        } catch {
            // Closed only when the file lies aside: closing would write the WAL into the database and remove it, and with it what
            // somebody may want to look at. SQLite leaves a database alone that was renamed under it.
            defer { try? writer.close() }
            throw try FoundDamage(error, in: location.path, now: now)
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
    private static func begin(in db: Database, agent: String, now: Timestamp) throws -> Int {
        var interrupted = 0
        try db.inTransaction(.immediate) {
            let session = WriteSession(db: db, words: WordCache(), tally: Tally())
            try session.run(
                """
                INSERT INTO journal (id, agent, closed_cleanly, openings, chain_sequence, chain_previous) VALUES (1, ?, 0, 1, ?, ?)
                ON CONFLICT DO UPDATE SET agent = excluded.agent, closed_cleanly = 0, openings = openings + 1
                """,
                [agent, ManifestPosition.first.sequence, ManifestPosition.first.previous.blob]
            )
            interrupted = try session.interruptAll(at: now)
            session.tally.keep()
            try session.writeCounts()
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
        // The database first: SQLite throws a WAL without a database away, but would take an old database without its WAL for the
        // whole truth.
        for suffix in ["", "-wal"] where rename(path + suffix, aside + suffix) != 0 && errno != ENOENT {
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
    fileprivate func interruptAll(at time: Timestamp) throws -> Int {
        // SQLite would rather read the whole table in the order that is asked for.
        let running = try deliveries(
            """
            SELECT uuid FROM delivery INDEXED BY delivery_running WHERE due IS NULL AND state BETWEEN 1 AND 4 ORDER BY id
            """
        )
        for row in running {
            try move(row, to: row.state.afterInterruption, due: 0)
            let detail = "attempt \(row.attempts), \(row.state.rawValue)"
            try record(.interrupted, file: row.file, delivery: row.sequence, at: time, detail)
        }
        return running.count
    }
}
