import GRDB

/// The agent's only truth after a restart: what was admitted, how far it got, how it ended.
///
/// Every operation is queued at once, in the order of the calls, and returns a ticket; one thread of the journal's own
/// takes all that waits into one transaction (group commit, `synchronous=FULL`). Reads run on two other threads, so that a
/// long answer for a person never delays a lane, and see everything whose ticket was redeemed before.
///
/// The queue before the thread is not bounded: who submits much waits for tickets now and then.
package final class Journal: Sendable {
    package let report: OpeningReport

    private let writer: WorkerThread<Command>
    private let ending: Promise<Void>
    /// For the lanes: short questions.
    let lanes: JournalReader
    /// For people: status, traces.
    let observers: JournalReader

    private enum Command: Sendable {
        case operation(Operation)
        case close(Promise<Void>)
    }

    init(_ opened: OpenedDatabase, options: JournalOptions) {
        report = opened.report
        let ending = Promise<Void>()
        lanes = JournalReader(opened.lanes, name: "journal-lanes") { ending.settle(.failure($0)) }
        observers = JournalReader(opened.observers, name: "journal-status") { ending.settle(.failure($0)) }
        self.ending = ending
        let queue = opened.writer
        let reopen: @Sendable () throws -> DatabaseQueue = { [location = opened.location] in try location.openForWriting() }
        writer = WorkerThread(name: "journal", batch: options.largestBatch) {
            let writer = JournalWriter(queue, options: options, onDamage: { ending.settle(.failure($0)) }, open: reopen)
            return { commands in
                var batch: [Operation] = []
                for command in commands {
                    switch command {
                    case .operation(let operation): batch.append(operation)
                    case .close(let closed):
                        if !batch.isEmpty { writer.commit(batch) }
                        batch = []
                        // What is known to be damaged is looked through when it is opened again.
                        writer.close(inGoodOrder: ending.outcome == nil)
                        closed.settle(.success(()))
                    }
                }
                if !batch.isEmpty { writer.commit(batch) }
            }
        }
    }

    /// Returns when the journal was closed, or the task was cancelled (which closes nothing).
    ///
    /// - Throws: `JournalFailure` when the database turned out to be damaged while it was used. The agent stops then;
    ///   opening the journal again keeps the damaged one aside.
    package func run() async throws(JournalFailure) {
        let wait = Promise<Void>()
        ending.whenSettled { wait.settle($0) }
        let ended = await withTaskCancellationHandler {
            await wait.result()
        } onCancel: {
            wait.settle(.success(()))
        }
        try ended.get()
    }

    /// Commits what is queued, closes the database and ends the threads. Operations and reads after that fail with `.closed`.
    ///
    /// It may be called more than once.
    package func close() async {
        await lanes.close()
        await observers.close()
        let closed = Promise<Void>()
        // The first caller closes; the others wait for the same end.
        if writer.close(after: .close(closed)) {
            _ = await closed.result()
            ending.settle(.success(()))
        } else {
            _ = await ending.result()
        }
    }

    /// Queues an operation.
    func submit<Value: Sendable>(
        _ name: JournalOperation,
        _ attempt: @autoclosure @escaping @Sendable () -> String,
        _ body: @escaping @Sendable (WriteSession) throws -> Value
    ) -> Ticket<Value> {
        let promise = Promise<Value>()
        let operation = Operation(
            name: name,
            attempt: attempt,
            perform: { session in
                let value = try body(session)
                return { promise.settle(.success(value)) }
            },
            refuse: { promise.settle(.failure($0)) }
        )
        if !writer.submit(.operation(operation)) {
            promise.settle(.failure(JournalFailure(.closed, attempt: attempt(), cause: "the journal is closed")))
        }
        return Ticket(promise)
    }
}
