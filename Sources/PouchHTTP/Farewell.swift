import Glibc
import Synchronization

/// Lets libcurl say goodbye to servers, unless the process is about to end.
///
/// An SSH session is closed with words that OpenSSL encrypts, and OpenSSL tears itself down when the process exits: a thread that is
/// still closing sessions then crashes it.
enum Farewell {
    private struct State {
        var isTooLate = false
        var underWay = 0
    }

    private static let state = Mutex(State())

    /// Closes, or leaves it to the kernel.
    static func say(_ goodbye: () -> Void) {
        let mayBegin = state.withLock { state in
            if !state.isTooLate { state.underWay += 1 }
            return !state.isTooLate
        }
        guard mayBegin else { return }
        goodbye()
        state.withLock { $0.underWay -= 1 }
    }

    /// To be called after OpenSSL was initialised: what is registered last runs first.
    static func endsWithProcess() {
        atexit {
            // libcurl gives a server a second to answer.
            for _ in 0..<300 {
                let isOver = Farewell.state.withLock { state in
                    state.isTooLate = true
                    return state.underWay == 0
                }
                if isOver { return }
                usleep(5_000)
            }
        }
    }
}
