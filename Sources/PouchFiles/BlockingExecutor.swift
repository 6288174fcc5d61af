/// Runs calls that block (disks, network file systems, C) on threads of their own, so that the pool that all tasks share never waits.
///
/// Work that has begun cannot be interrupted: long work takes a `StopSign` and looks at it now and then.
package final class BlockingExecutor: Sendable {
    /// For short calls on files of ours. What may hang (a partner's or a producer's network mount) gets a `BlockingLane`.
    package static let shared = BlockingExecutor(name: "pouch-files", threads: 4)

    private let queue: WorkQueue

    /// - Parameters:
    ///   - name: Shown by `top -H`; the kernel keeps 15 bytes.
    ///   - threads: At most that many. They start when they are needed and end, with the last work done, when the executor is let go.
    package init(name: String, threads: Int) { queue = WorkQueue(name: name, mostThreads: threads) }

    deinit { queue.close() }

    /// Runs the work on one of the threads; the caller waits without blocking.
    package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let outcome = await withCheckedContinuation { (waiting: CheckedContinuation<Result<Value, Failure>, Never>) in
            queue.add { waiting.resume(returning: Result { () throws(Failure) in try work() }) }
        }
        return try outcome.get()
    }

    /// Runs work that can be asked to stop: the sign is raised when the task is cancelled.
    package func run<Value: Sendable, Failure: Error>(
        stoppable work: @escaping @Sendable (StopSign) throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let sign = StopSign()
        let outcome: Result<Value, Failure> = await withTaskCancellationHandler {
            await run { Result { () throws(Failure) in try work(sign) } }
        } onCancel: {
            sign.raise()
        }
        return try outcome.get()
    }
}

/// One thread with a queue: work is done in order, and a call that hangs holds up nobody but this lane.
package final class BlockingLane: Sendable {
    private let executor: BlockingExecutor

    package init(name: String) { executor = BlockingExecutor(name: name, threads: 1) }

    package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value { try await executor.run(work) }

    package func run<Value: Sendable, Failure: Error>(
        stoppable work: @escaping @Sendable (StopSign) throws(Failure) -> Value
    ) async throws(Failure) -> Value { try await executor.run(stoppable: work) }
}

/// Runs short blocking work on the shared threads; see `BlockingExecutor`.
package func onBlockingThread<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value { try await BlockingExecutor.shared.run(work) }
