import PouchTestSupport
import Synchronization

/// Keeps servers running for as long as it is held.
final class Servers: Sendable {
    private let servers = Mutex<[SSHServer]>([])

    func append(_ server: SSHServer) { servers.withLock { $0.append(server) } }
}
