import Dispatch

/// Runs the loop of one folder, and what it calls, on a queue with a thread of its own: a disk or a server that hangs holds up this folder alone.
final class FolderExecutor: TaskExecutor {
    private let queue: DispatchQueue

    init(name: String) { queue = DispatchQueue(label: name) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
