import Synchronization

/// How many watches all folders of one watcher may have together.
final class WatchBudget: Sendable {
    let limit: Int
    private let held: Mutex<[Int: Int]> = Mutex([:])

    init(limit: Int) { self.limit = limit }

    /// Says how many watches the folder has, and asks for one more.
    func allowsOneMore(folder: Int, holding count: Int) -> Bool {
        held.withLock { held in
            held[folder] = count
            return held.values.reduce(0, +) < limit
        }
    }

    func release(folder: Int) { held.withLock { $0[folder] = nil } }
}
