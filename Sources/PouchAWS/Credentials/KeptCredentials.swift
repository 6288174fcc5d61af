import Synchronization

/// What was read last.
final class KeptCredentials: Sendable {
    private let state = Mutex<Credentials?>(nil)

    var value: Credentials? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
