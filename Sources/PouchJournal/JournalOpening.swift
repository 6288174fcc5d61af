import GRDB
package import PouchKit

extension Journal {
    /// Opens the journal, or begins one; `report` says what was found.
    ///
    /// The schema is brought up to date; after a crash the database is looked through; what was in an attempt waits again.
    /// A damaged database is kept aside as `<path>.damaged-<time>` and a new one is begun. Only one agent may have the
    /// journal open: the lock on the state folder sees to that.
    ///
    /// - Throws: `JournalFailure` with `.newerSchema` (which names both versions), `.notAJournal`, `.cannotOpen`,
    ///   `.diskFull`, `.inputOutput`, `.notWritable`. Nothing was changed then but what SQLite repairs by itself.
    package static func open(
        at path: String,
        agent: String,
        now: Timestamp = SystemClock().now,
        options: JournalOptions = JournalOptions()
    ) async throws(JournalFailure) -> Journal {
        let location = DatabaseLocation(path: path, largestDatabase: options.largestDatabase)
        return try await WorkerThread<Void>.call(named: "journal-opening", attempt: "open the journal \(path)") {
            Journal(try OpenedDatabase.open(location, agent: agent, now: now), options: options)
        }
    }

    /// Opens the journal for questions only, beside a running agent or without one. Nothing is repaired or brought up to
    /// date.
    ///
    /// - Throws: `JournalFailure`; with `.cannotOpen` when there is none, with `.outOfPlace` when its schema is older than
    ///   ours: the agent has not run since it was updated.
    package static func openReadOnly(at path: String) async throws(JournalFailure) -> JournalReader {
        let location = DatabaseLocation(path: path, largestDatabase: nil)
        return try await WorkerThread<Void>.call(named: "journal-opening", attempt: "read the journal \(path)") {
            JournalReader(try location.openOffline(), name: "journal-offline")
        }
    }
}

extension WorkerThread where Job == Void {
    /// Makes one blocking call on a thread of its own.
    static func call<Value: Sendable>(
        named name: String,
        attempt: String,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws(JournalFailure) -> Value {
        let promise = Promise<Value>()
        let thread = WorkerThread<Void>(name: name, batch: 1) {
            { _ in promise.settle(Result { try body() }.mapError { JournalFailure($0, attempt: attempt) }) }
        }
        _ = thread.close(after: ())
        return try await promise.result().get()
    }
}
