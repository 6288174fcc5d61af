import GRDB

/// The tables, version by version. A version that was released is never changed: a new one is added.
enum JournalSchema {
    /// `Pouc`: marks the file as a journal in SQLite's header.
    static let applicationID: Int32 = 0x506F_7563

    /// The version that this Pouch writes; stands in `PRAGMA user_version`.
    static let version = 3

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(sql: first)
            try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = 1")
        }
        migrator.registerMigration("2") { db in
            try db.execute(sql: second)
            try db.execute(sql: "PRAGMA user_version = 2")
        }
        migrator.registerMigration("3") { db in
            try db.execute(sql: third)
            try db.execute(sql: "PRAGMA user_version = 3")
        }
        return migrator
    }

    /// - Throws: `Refusal` unless the database is empty or a journal of this or an earlier version.
    static func recognise(_ db: Database) throws {
        // The migrator lists its work in a table that it makes in a transaction of its own: a kill after that leaves it alone in
        // the file, without our mark.
        let contents = "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'grdb_migrations'"
        guard try Int.fetchOne(db, sql: contents) ?? 0 > 0 else { return }
        guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == applicationID else {
            throw Refusal(.notAJournal, "it is an SQLite database, but not a journal of Pouch")
        }
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw Refusal(.newerSchema, "it was written with schema version \(found), this Pouch knows versions up to \(version)")
        }
    }

    /// Order is always by integer key, never by time: wall clocks jump. AUTOINCREMENT, because a key must not be used again
    /// after the newest row was pruned. What grows with a delivery's way (checkpoint, failure, receipt) lies in tables of
    /// its own, so that the rows that wait stay short.
    private static let first = """
        -- One row. `chain_*`: where the manifest goes on.
        CREATE TABLE journal (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            agent TEXT NOT NULL,
            closed_cleanly INTEGER NOT NULL,
            openings INTEGER NOT NULL,
            chain_sequence INTEGER NOT NULL,
            chain_previous BLOB NOT NULL
        );

        -- Folders, partners, routes, claim roots, targets, `then`: the few texts that many rows share.
        CREATE TABLE word (
            id INTEGER PRIMARY KEY,
            text TEXT NOT NULL UNIQUE
        );

        CREATE TABLE file (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            claim TEXT NOT NULL UNIQUE,
            root INTEGER NOT NULL REFERENCES word,
            in_place INTEGER NOT NULL,
            folder INTEGER NOT NULL REFERENCES word,
            path BLOB NOT NULL,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            birth INTEGER NOT NULL,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            afterwards INTEGER NOT NULL REFERENCES word,
            admitted INTEGER NOT NULL,
            worst INTEGER NOT NULL,      -- FileStanding
            sha256 BLOB,
            crc64nvme INTEGER,
            finished INTEGER
        );
        -- Both what is open, in order, and what may be pruned.
        CREATE INDEX file_finished ON file (finished);
        -- Every delivery ended, or none was planned, and the source is still ours: for moments, or a crash came between.
        CREATE INDEX file_ended ON file (finished) WHERE finished IS NULL AND worst IN (0, 6, 9);

        -- `then: keep`: what was admitted last from each path.
        CREATE TABLE kept (
            folder INTEGER NOT NULL REFERENCES word,
            path BLOB NOT NULL,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            birth INTEGER NOT NULL,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            PRIMARY KEY (folder, path)
        ) WITHOUT ROWID;

        -- `due`: 0 for as soon as possible, else nanoseconds since 1970 of the next attempt, NULL while an attempt runs, and when
        -- nothing happens by itself.
        CREATE TABLE delivery (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            uuid BLOB NOT NULL UNIQUE,
            file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
            partner INTEGER NOT NULL REFERENCES word,
            route INTEGER NOT NULL REFERENCES word,
            key TEXT NOT NULL,
            target INTEGER REFERENCES word,
            state INTEGER NOT NULL,      -- StateCode
            attempts INTEGER NOT NULL,
            due INTEGER,
            retries BLOB,
            retried_by BLOB,
            ended INTEGER,
            line INTEGER                 -- of the manifest
        );
        CREATE INDEX delivery_file ON delivery (file);
        CREATE INDEX delivery_due ON delivery (partner, due) WHERE due IS NOT NULL;
        CREATE INDEX delivery_running ON delivery (partner) WHERE due IS NULL AND state BETWEEN 1 AND 4;
        CREATE INDEX delivery_stuck ON delivery (state) WHERE state >= 5 AND retried_by IS NULL;

        CREATE TABLE checkpoint (
            delivery INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
            stage TEXT NOT NULL,
            version INTEGER NOT NULL,
            target TEXT NOT NULL,
            payload BLOB NOT NULL
        );

        -- The last one of each delivery that has not succeeded.
        CREATE TABLE failure (
            delivery INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
            at INTEGER NOT NULL,
            code TEXT NOT NULL,
            attempt TEXT NOT NULL,
            cause TEXT NOT NULL,
            hint TEXT
        );

        -- By the line of the manifest, so that it only ever grows at its end.
        CREATE TABLE receipt (
            line INTEGER PRIMARY KEY,
            delivery INTEGER NOT NULL,
            body BLOB NOT NULL
        );

        CREATE TABLE event (
            file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
            number INTEGER NOT NULL,
            delivery INTEGER,
            at INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (file, number)
        ) WITHOUT ROWID;

        CREATE TABLE outbox (
            sequence INTEGER PRIMARY KEY,
            bytes BLOB NOT NULL,
            digest BLOB NOT NULL
        );

        CREATE TABLE held_partner (
            partner INTEGER PRIMARY KEY REFERENCES word,
            code TEXT NOT NULL,
            reason TEXT NOT NULL,
            since INTEGER NOT NULL
        );

        CREATE TABLE delivery_count (
            folder INTEGER NOT NULL REFERENCES word,
            partner INTEGER NOT NULL REFERENCES word,
            measure INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (folder, partner, measure)
        ) WITHOUT ROWID;

        CREATE TABLE file_count (
            folder INTEGER NOT NULL REFERENCES word,
            measure INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (folder, measure)
        ) WITHOUT ROWID;
        """

    private static let second = """
        -- What the file was sealed into for this delivery; `recipients`: the SHA-256 of each certificate, one after the other.
        CREATE TABLE seal (
            delivery INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
            size INTEGER NOT NULL,
            sha256 BLOB NOT NULL,
            crc64nvme INTEGER NOT NULL,
            recipients BLOB NOT NULL
        );
        """

    private static let third = """
        -- Deliveries that another publisher finishes, until word comes that it did.
        CREATE TABLE handed_over (
            delivery INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
            partner INTEGER NOT NULL REFERENCES word
        );
        CREATE INDEX handed_over_partner ON handed_over (partner, delivery);
        """
}
