import GRDB
import Glibc

/// Where the database lies, and how its connections are set up.
struct DatabaseLocation: Sendable {
    let path: String
    let largestDatabase: Int?

    /// A connection that writes, with every promise of durability read back from SQLite.
    ///
    /// A `DatabaseQueue`, because GRDB's pool sets `synchronous` to NORMAL after it was set up: a commit that returned
    /// would not be on disk.
    func openForWriting() throws -> DatabaseQueue {
        var configuration = Self.configuration
        configuration.prepareDatabase { [largestDatabase] db in
            // Before anything is changed: it may be somebody else's.
            try JournalSchema.recognise(db)
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA wal_autocheckpoint = 2000;
                    PRAGMA journal_size_limit = 67108864;
                    PRAGMA cache_size = -8192;
                    PRAGMA secure_delete = OFF;
                    """
            )
            if let largestDatabase { try db.execute(sql: "PRAGMA max_page_count = \(largestDatabase)") }
            try Self.verifyDurability(of: db)
        }
        // A rollback that fails must not end the process: the connection is closed then.
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func openForReading() throws -> DatabaseQueue { try openForReading(path) }

    /// For a journal that no agent may have open.
    func openOffline() throws -> DatabaseQueue {
        do {
            return try openForReading(path, isSchemaChecked: true)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN || error.resultCode == .SQLITE_READONLY {
            // SQLite cannot make the index of the WAL where it may not write. With an empty WAL the file alone is everything, and
            // nobody changes it.
            guard access(path, R_OK) == 0, !hasWAL else { throw error }
            let escaped = path.utf8.map { byte in
                let isPlain = byte == UInt8(ascii: "/") || (byte < 0x80 && Character(Unicode.Scalar(byte)).isLetter)
                return isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            return try openForReading("file:" + escaped.joined() + "?immutable=1", isSchemaChecked: true)
        }
    }

    private func openForReading(_ path: String, isSchemaChecked: Bool = false) throws -> DatabaseQueue {
        var configuration = Self.configuration
        configuration.readonly = true
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA cache_size = -2048")
            guard isSchemaChecked else { return }
            try JournalSchema.recognise(db)
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard version == JournalSchema.version else {
                throw Refusal(
                    .outOfPlace,
                    "its schema has version \(version), this Pouch reads version \(JournalSchema.version); the agent updates it"
                )
            }
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private var hasWAL: Bool {
        var facts = stat()
        return stat(path + "-wal", &facts) == 0 && facts.st_size > 0
    }

    private static func verifyDurability(of db: Database) throws {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
        let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        let foreignKeys = try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
        guard mode == "wal", synchronous == 2, foreignKeys == 1 else {
            throw Refusal(
                .cannotOpen,
                "SQLite did not take journal_mode=wal, synchronous=2, foreign_keys=1 but has \(mode ?? "no mode"), "
                    + "\(synchronous ?? -1), \(foreignKeys ?? -1): a commit would not be durable"
            )
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        // Only a connection that recovers the WAL after a crash ever holds a lock for long.
        configuration.busyMode = .timeout(10)
        return configuration
    }
}
