import CLinux
import Glibc

/// A queue of closures and the threads that empty it.
///
/// Safe to share: `waiting`, `first`, `isClosed` and `threadCount` are touched only between lock and unlock of `mutex`, and the mutex and the condition live in
/// memory that does not move until the last reference, which every thread holds, is gone.
final class WorkQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [@Sendable () -> Void] = []
    private var first = 0
    private var isClosed = false
    private var threadCount = 0

    init() {
        // Neither fails with default attributes on Linux.
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func add(_ work: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        guard threadCount > 0 else {
            // The limit on threads was reached when we asked for ours (TasksMax, ulimit -u). A caller that blocks is better than work that
            // is never done.
            pthread_mutex_unlock(mutex)
            return work()
        }
        waiting.append(work)
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    /// The threads do what waits, then end.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(condition)
    }

    func startThread(name: String) {
        let start = ThreadStart(queue: self, name: name)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                // A thread without its name works as well.
                _ = pouch_name_thread(String(start.name.prefix(15)))
                start.queue.work()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(start).release()
            return
        }
        pthread_detach(thread)
        pthread_mutex_lock(mutex)
        threadCount += 1
        pthread_mutex_unlock(mutex)
    }

    private func work() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while first == waiting.count {
            if isClosed { return nil }
            pthread_cond_wait(condition, mutex)
        }
        let work = waiting[first]
        first += 1
        if first == waiting.count || first > 1_024 {
            waiting.removeFirst(first)
            first = 0
        }
        return work
    }
}

private final class ThreadStart: Sendable {
    let queue: WorkQueue
    let name: String

    init(queue: WorkQueue, name: String) {
        self.queue = queue
        self.name = name
    }
}
