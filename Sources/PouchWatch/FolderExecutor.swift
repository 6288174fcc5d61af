import Dispatch
import PouchFiles
import Synchronization

/// Runs the loop of one folder, and what it calls, on a queue with a thread of its own: a disk or a server that hangs holds up this folder alone.
final class FolderExecutor: TaskExecutor {
    private let queue: DispatchQueue
    /// The thread that runs a job now; 0: none does.
    private let thread = Atomic<Int32>(0)
    /// Until it is known: what hangs when it is looked at for the first time may be a server too.
    private let remote = Atomic<Bool>(true)

    init(name: String) { queue = DispatchQueue(label: name) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in
            thread.store(KernelThread.current.number, ordering: .relaxed)
            job.runSynchronously(on: asUnownedTaskExecutor())
            thread.store(0, ordering: .relaxed)
        }
    }

    /// The folder lies on a server, which may be away for as long as it likes.
    func note(isRemote: Bool) { remote.store(isRemote, ordering: .relaxed) }

    /// The loop is kept by the folder's file system. Ending the process would mend nothing there, and stop all the others.
    var isKeptByTheFolder: Bool {
        if remote.load(ordering: .relaxed) { return true }
        let number = thread.load(ordering: .relaxed)
        return number != 0 && KernelThread(number: number).waitsForADevice
    }
}
