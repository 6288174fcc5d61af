import CLinux
import Glibc

/// Whether some process has a file open for writing, a shared writable mapping included.
package enum WriteLease: Hashable, Sendable {
    case free, beingWritten
    /// The kernel does not tell: the file belongs to somebody else and we lack `CAP_LEASE`, or the file system has no leases.
    case notPermitted

    /// Asks by taking a read lease, which is granted only while there is no writer, and gives it back at once.
    ///
    /// The descriptor must be open for reading only. A writer that comes in between is held up for that moment, or gets `EAGAIN` when it
    /// opens without blocking: for sweeps and suspects, not for every event.
    package static func probe(descriptor: Int32) -> WriteLease {
        // A writer that opens while we hold the lease makes the kernel send SIGIO, which kills a process that does not ignore it.
        _ = signalIsIgnored
        switch SystemCall.shim({ pouch_probe_lease(descriptor) }) {
        case 0...: return .free
        case -EAGAIN: return .beingWritten
        default: return .notPermitted
        }
    }

    private static let signalIsIgnored: Bool = {
        signal(SIGIO, SIG_IGN)
        return true
    }()
}
