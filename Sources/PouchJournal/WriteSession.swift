import FoundationEssentials
import GRDB
import PouchKit

/// What an operation does inside the transaction of its batch, in the words of the schema.
struct WriteSession {
    let db: Database
    let words: WordCache
    let tally: Tally

    // MARK: Statements

    func run(_ sql: String, _ arguments: StatementArguments = []) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    func first(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }

    func number(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }

    /// The number of a text that many rows share.
    func word(_ text: String) throws -> Int64 {
        if let known = words.numbers[text] { return known }
        try run("INSERT INTO word (text) VALUES (?) ON CONFLICT DO NOTHING", [text])
        guard let number = try number("SELECT id FROM word WHERE text = ?", [text]) else {
            throw JournalFailure.missingRow("word")
        }
        words.numbers[text] = number
        return number
    }

    // MARK: Deliveries

    func delivery(_ id: DeliveryID) throws -> DeliveryRow {
        let row = try first(
            """
            SELECT d.id, d.file, f.folder, d.partner, d.route, d.key, d.target, d.state, d.attempts, d.retried_by
            FROM delivery d JOIN file f ON f.id = d.file WHERE d.uuid = ?
            """,
            [id.blob]
        )
        guard let row else { throw Refusal(.unknown, "no delivery has the id \(id)") }
        return try DeliveryRow(row, id: id)
    }

    /// - Throws: a `Refusal` when the id is taken.
    func insertDelivery(_ id: DeliveryID, ofFile file: Int64, _ plan: DeliveryPlan, state: DeliveryState) throws -> Int64 {
        do {
            try run(
                """
                INSERT INTO delivery (uuid, file, partner, route, key, target, state, attempts, due, retries)
                VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
                """,
                [
                    id.blob, file, plan.partner, plan.route, plan.key, plan.target, StateCode.code(of: state),
                    state == .waiting ? 0 : nil, plan.retries?.blob,
                ]
            )
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw Refusal(.outOfPlace, "a delivery with the id \(id) exists")
        }
        return db.lastInsertedRowID
    }

    /// Those whose `uuid` the query selects.
    func deliveries(_ sql: String, _ arguments: StatementArguments = []) throws -> [DeliveryRow] {
        let ids = try Data.fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
        return try ids.map { try delivery(try DeliveryID(Hexadecimal.text(of: $0))) }
    }

    /// Gives the delivery a state and a time of its next attempt, and keeps all counters.
    func move(_ delivery: DeliveryRow, to state: DeliveryState, due: Int64?) throws {
        try run(
            "UPDATE delivery SET state = ?, due = ? WHERE id = ?",
            [StateCode.code(of: state), due, delivery.sequence]
        )
        guard state != delivery.state else { return }
        count(delivery.folder, delivery.partner, StateCode.code(of: delivery.state), by: -1)
        count(delivery.folder, delivery.partner, StateCode.code(of: state), by: 1)
        // From one stage to the next the file stays on its way, or whatever is worse.
        guard FileStanding(worst: state) != FileStanding(worst: delivery.state) else { return }
        try updateStanding(file: delivery.file, folder: delivery.folder)
    }

    func count(_ folder: Int64, _ partner: Int64, _ measure: Int64, by difference: Int64) {
        tally.count(Tally.DeliveryKey(folder: folder, partner: partner, measure: measure), by: difference)
    }

    // MARK: Files

    func countFile(_ folder: Int64, _ measure: Int64, by difference: Int64) {
        tally.count(Tally.FileKey(folder: folder, measure: measure), by: difference)
    }

    /// Writes what the operations of the batch counted.
    func writeCounts() throws {
        for (key, difference) in tally.deliveries where difference != 0 {
            try run(
                """
                INSERT INTO delivery_count (folder, partner, measure, count) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET count = count + excluded.count
                """,
                [key.folder, key.partner, key.measure, difference]
            )
        }
        for (key, difference) in tally.files where difference != 0 {
            try run(
                """
                INSERT INTO file_count (folder, measure, count) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET count = count + excluded.count
                """,
                [key.folder, key.measure, difference]
            )
        }
    }

    /// Counts the file under the worst of its deliveries.
    func updateStanding(file: Int64, folder: Int64) throws {
        let worst = try number("SELECT max(state) FROM delivery WHERE file = ? AND retried_by IS NULL", [file])
        let standing = FileStanding(worst: worst.flatMap(StateCode.state(of:))).rawValue
        guard let former = try number("SELECT worst FROM file WHERE id = ?", [file]) else {
            throw JournalFailure.missingRow("file")
        }
        guard former != standing else { return }
        try run("UPDATE file SET worst = ? WHERE id = ?", [standing, file])
        countFile(folder, former, by: -1)
        countFile(folder, standing, by: 1)
    }

    func file(_ id: Int64) throws -> JournalFile {
        guard let row = try first(FileColumns.select + " WHERE f.id = ?", [id]) else {
            throw Refusal(.unknown, "no file has the number \(id)")
        }
        return try FileColumns.file(from: row)
    }

    func progress(of file: Int64) throws -> FileProgress {
        let states = try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT state FROM delivery WHERE file = ? AND retried_by IS NULL ORDER BY id"),
            arguments: [file]
        )
        return FileProgress(file: try self.file(file), states: states.compactMap(StateCode.state(of:)))
    }

    /// Adds to the story of a file. The first 100 and the last 400 events are kept, so that a file that fails for months
    /// does not fill the disk.
    func record(_ kind: StoryEvent.Kind, file: Int64, delivery: Int64?, at: Timestamp, _ detail: String) throws {
        let last = try number("SELECT max(number) FROM event WHERE file = ?", [file]) ?? 0
        try run(
            "INSERT INTO event (file, number, delivery, at, kind, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [file, last + 1, delivery, at.nanoseconds, kind.rawValue, detail.shortened]
        )
        if last >= 500 { try run("DELETE FROM event WHERE file = ? AND number = ?", [file, last - 399]) }
    }

    // MARK: The end of a delivery

    /// Takes the next line of the manifest, moves the head of the chain and puts the line into the outbox.
    func appendLine(_ entry: EntryWriter) throws -> Int64 {
        let position = try chainPosition()
        let line = entry(position)
        guard line.sequence == position.sequence else {
            throw Refusal(.outOfPlace, "the manifest line says \(line.sequence), but \(position.sequence) is next")
        }
        try run(
            "INSERT INTO outbox (sequence, bytes, digest) VALUES (?, ?, ?)",
            [line.sequence, Data(line.bytes), line.digest.blob]
        )
        try setChain(ManifestPosition(sequence: line.sequence + 1, previous: line.digest))
        return line.sequence
    }

    func chainPosition() throws -> ManifestPosition {
        guard let row = try first("SELECT chain_sequence, chain_previous FROM journal") else {
            throw JournalFailure.missingRow("journal")
        }
        return try Fields(row).chain()
    }

    func setChain(_ position: ManifestPosition) throws {
        try run(
            "UPDATE journal SET chain_sequence = ?, chain_previous = ?",
            [position.sequence, position.previous.blob]
        )
    }

    func forgetCheckpoint(of delivery: Int64) throws { try run("DELETE FROM checkpoint WHERE delivery = ?", [delivery]) }

    func remember(_ failure: DeliveryFailure, of delivery: Int64, at: Timestamp) throws {
        try run(
            """
            INSERT INTO failure (delivery, at, code, attempt, cause, hint) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET at = excluded.at, code = excluded.code, attempt = excluded.attempt,
                cause = excluded.cause, hint = excluded.hint
            """,
            [
                delivery, at.nanoseconds, failure.code, failure.attempt.shortened, failure.cause.shortened,
                failure.hint?.shortened,
            ]
        )
    }
}

/// Numbers of words that are known to be in the database. Emptied when something was rolled back.
final class WordCache {
    var numbers: [String: Int64] = [:]
}

/// What is frozen when a delivery is admitted, in numbers of words.
struct DeliveryPlan {
    let partner: Int64
    let route: Int64
    let key: String
    let target: Int64?
    let retries: DeliveryID?
}

/// What an operation needs to know about a delivery before it changes it.
struct DeliveryRow {
    let sequence: Int64
    let id: DeliveryID
    let file: Int64
    let folder: Int64
    let partner: Int64
    let route: Int64
    let key: String
    let target: Int64?
    let state: DeliveryState
    let attempts: Int64
    let wasRetried: Bool

    init(_ row: Row, id: DeliveryID) throws {
        self.id = id
        let fields = Fields(row)
        sequence = try fields.next()
        file = try fields.next()
        folder = try fields.next()
        partner = try fields.next()
        route = try fields.next()
        key = try fields.next()
        target = try fields.next()
        state = try fields.state()
        attempts = try fields.next()
        wasRetried = try fields.next(Data?.self) != nil
    }
}

/// Why an operation does not apply; becomes a `JournalFailure` with the operation's name.
struct Refusal: Error {
    let kind: JournalFailure.Kind
    let cause: String

    init(_ kind: JournalFailure.Kind, _ cause: String) {
        self.kind = kind
        self.cause = cause
    }
}

extension JournalFailure {
    static func missingRow(_ table: String) -> Refusal { Refusal(.damaged, "a row of table \(table) is missing") }
}

extension DeliveryID {
    var blob: Data { Data(Hexadecimal.bytes(of: description) ?? []) }
}

extension SHA256Digest {
    var blob: Data { Data(bytes) }
}

extension String {
    /// Words of the far end have any length; a few kilobytes say what is to be said.
    var shortened: String { utf8.count <= 4_096 ? self : String(decoding: utf8.prefix(4_000), as: UTF8.self) + " …" }
}
