import CLinux
import Glibc

/// A queue of closures and the threads that empty it. Threads start when there is work for them and end when the queue is closed.
///
/// Safe to share: all variables are touched only between lock and unlock of `mutex`, and the mutex and the condition live in memory that
/// does not move until the last reference, which every thread holds, is gone.
final class WorkQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let name: String
    private let mostThreads: Int
    private var waiting: [@Sendable () -> Void] = []
    private var first = 0
    private var isClosed = false
    private var threads = 0
    private var idleThreads = 0

    init(name: String, mostThreads: Int) {
        self.name = name
        self.mostThreads = max(mostThreads, 1)
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
        if waiting.count - first >= idleThreads, threads < mostThreads, startThread() { threads += 1 }
        guard threads > 0 else {
            // The limit on threads is reached (TasksMax, ulimit -u). A caller that blocks is better than work that is never done.
            pthread_mutex_unlock(mutex)
            return work()
        }
        waiting.append(work)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// The threads do what waits, then end.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func startThread() -> Bool {
        let queue = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<WorkQueue>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, queue.toOpaque())
        guard code == 0 else {
            queue.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func work() {
        // A thread without its name works as well.
        _ = pouch_name_thread(String(name.prefix(15)))
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while first == waiting.count {
            if isClosed { return nil }
            idleThreads += 1
            pthread_cond_wait(condition, mutex)
            idleThreads -= 1
        }
        let work = waiting[first]
        // What was taken is dropped in one go, so that a long queue is not moved up for each of its members.
        first += 1
        if first == waiting.count || first >= 1_024 {
            waiting.removeFirst(first)
            first = 0
        }
        return work
    }
}
