import Foundation
import Synchronization

/// One thread for calls that block, with a queue before it: they never occupy the threads that Swift's tasks share.
///
/// What is submitted is worked off in order. The worker takes all that waits, up to `batch` at a time.
final class WorkerThread<Job: Sendable>: Sendable {
    private struct Queue {
        var jobs: [Job] = []
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let batch: Int

    /// - Parameter name: at most 15 characters.
    /// - Parameter makeWork: called once, on the thread; what it returns is called with each batch and never leaves the
    ///   thread, so it may own things that are not thread-safe.
    init(name: String, batch: Int, makeWork: @escaping @Sendable () -> (ArraySlice<Job>) -> Void) {
        self.batch = batch
        let thread = Thread { [self] in
            // Only a running thread can be given a name that `top -H` and `perf` show.
            Thread.current.name = name
            let work = makeWork()
            while let jobs = next() {
                var rest = jobs[...]
                while !rest.isEmpty {
                    work(rest.prefix(batch))
                    rest = rest.dropFirst(batch)
                }
            }
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// False when the thread was closed: the job will not be done.
    func submit(_ job: Job) -> Bool {
        let (isAccepted, isFirst) = queue.withLock { queue in
            guard !queue.isClosed else { return (false, false) }
            queue.jobs.append(job)
            return (true, queue.jobs.count == 1)
        }
        if isFirst { wakeUp.signal() }
        return isAccepted
    }

    /// Takes the last job; the thread ends when all are done.
    func close(after last: Job) -> Bool {
        let isAccepted = queue.withLock { queue in
            guard !queue.isClosed else { return false }
            queue.jobs.append(last)
            queue.isClosed = true
            return true
        }
        wakeUp.signal()
        return isAccepted
    }

    /// Waits for jobs; `nil` when there will be none any more.
    private func next() -> [Job]? {
        while true {
            let (jobs, isClosed) = queue.withLock { queue in
                let jobs = queue.jobs
                queue.jobs = []
                return (jobs, queue.isClosed)
            }
            if !jobs.isEmpty { return jobs }
            if isClosed { return nil }
            wakeUp.wait()
        }
    }
}
