import Glibc
import Synchronization

/// Keeps the threads that drive libcurl out of OpenSSL while the process ends.
///
/// OpenSSL tears itself down when the process exits. A thread that still encrypts then, if only its goodbye to a server, crashes.
enum Farewell {
    private struct State {
        var isTooLate = false
        var underWay = 0
    }

    private static let state = Mutex(State())

    /// Does the work unless the process is about to end; what was left undone then is left to the kernel.
    ///
    /// - Returns: whether it was done.
    static func unlessOver<Failure: Error>(_ work: () throws(Failure) -> Void) throws(Failure) -> Bool {
        let mayBegin = state.withLock { state in
            if !state.isTooLate { state.underWay += 1 }
            return !state.isTooLate
        }
        guard mayBegin else { return false }
        defer { state.withLock { $0.underWay -= 1 } }
        try work()
        return true
    }

    /// To be called after OpenSSL was initialised: what is registered last runs first.
    static func endsWithProcess() {
        on_exit(
            { status, _ in
                // A server gets a second to answer to the goodbye.
                for _ in 0..<300 {
                    let isOver = Farewell.state.withLock { state in
                        state.isTooLate = true
                        return state.underWay == 0
                    }
                    if isOver { return }
                    usleep(5_000)
                }
                // A server holds a thread in libcurl: the rest of the ending is not safe, and nothing that we need.
                fflush(nil)
                _exit(status)
            }, nil)
    }
}
