import Glibc

/// Runs calls that block (disks, network file systems, C) on threads of their own, so that the pool that all tasks share never waits.
package final class BlockingExecutor: Sendable {
    /// For short calls on files of ours. What may hang (a partner's or producer's network mount) gets a `BlockingLane`.
    package static let shared = BlockingExecutor(threads: 4, name: "pouch-files")

    private let queue = WorkQueue()

    /// The threads start at once and end when the executor is let go and the last work is done.
    package init(threads count: Int, name: String) {
        for _ in 0..<max(count, 1) { queue.startThread(name: name) }
    }

    deinit { queue.close() }

    /// Runs the work on one of the threads and waits without blocking.
    ///
    /// Work that has begun cannot be interrupted: long work looks at a `StopSign` now and then.
    package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let outcome = await withCheckedContinuation { (waiting: CheckedContinuation<Result<Value, Failure>, Never>) in
            queue.add { waiting.resume(returning: Result { () throws(Failure) in try work() }) }
        }
        return try outcome.get()
    }
}

/// One thread with a queue: work is done in order, and a call that hangs holds up nobody but this lane.
package final class BlockingLane: Sendable {
    private let executor: BlockingExecutor

    /// - Parameter name: shown by `top -H`; the kernel keeps 15 bytes.
    package init(name: String) { executor = BlockingExecutor(threads: 1, name: name) }

    package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value { try await executor.run(work) }
}

/// Runs short blocking work on the shared threads; see `BlockingExecutor`.
package func onBlockingThread<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value { try await BlockingExecutor.shared.run(work) }
