import GRDB

/// A read-only connection with a thread of its own.
package final class JournalReader: Sendable {
    private let thread: WorkerThread<@Sendable () -> Void>
    private let database: DatabaseQueue
    private let onDamage: @Sendable (JournalFailure) -> Void

    /// - Parameter onDamage: told when SQLite finds that the database is not intact.
    init(_ database: DatabaseQueue, name: String, onDamage: @escaping @Sendable (JournalFailure) -> Void = { _ in }) {
        self.database = database
        self.onDamage = onDamage
        thread = WorkerThread(name: name, batch: 1) {
            { jobs in for job in jobs { job() } }
        }
    }

    /// Answers the question from one consistent state of the journal.
    func read<Value: Sendable>(
        _ attempt: @autoclosure () -> String,
        _ body: @escaping @Sendable (ReadSession) throws -> Value
    ) async throws(JournalFailure) -> Value {
        let promise = Promise<Value>()
        let attempt = attempt()
        let isAccepted = thread.submit { [database, onDamage] in
            do {
                promise.settle(.success(try database.read { db in try body(ReadSession(db: db)) }))
            } catch {
                let failure = JournalFailure(error, attempt: attempt)
                if error is DatabaseError, failure.kind == .damaged { onDamage(failure) }
                promise.settle(.failure(failure))
            }
        }
        guard isAccepted else { throw JournalFailure(.closed, attempt: attempt, cause: "the journal is closed") }
        return try await promise.result().get()
    }

    /// Answers what was asked before and closes the connection.
    package func close() async {
        let closed = Promise<Void>()
        let isFirst = thread.close { [database] in
            // Nothing was written through it.
            try? database.close()
            closed.settle(.success(()))
        }
        if isFirst { _ = await closed.result() }
    }
}

/// What a question may use.
struct ReadSession {
    let db: Database

    func rows<Value>(_ sql: String, _ arguments: StatementArguments = [], _ make: (Fields) throws -> Value) throws -> [Value] {
        let cursor = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
        var values: [Value] = []
        while let row = try cursor.next() { values.append(try make(Fields(row))) }
        return values
    }

    /// Goes through the rows until `body` returns false.
    func forEachRow(_ statement: Statement, _ body: (Fields) throws -> Bool) throws {
        let cursor = try Row.fetchCursor(statement)
        while let row = try cursor.next(), try body(Fields(row)) {}
    }

    func first<Value>(_ sql: String, _ arguments: StatementArguments = [], _ make: (Fields) throws -> Value) throws -> Value? {
        guard let row = try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments) else { return nil }
        return try make(Fields(row))
    }

    func number(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }

    /// `nil` for a text that the journal has never seen.
    func word(_ text: String) throws -> Int64? { try number("SELECT id FROM word WHERE text = ?", [text]) }
}
