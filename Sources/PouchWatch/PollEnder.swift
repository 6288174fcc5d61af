import CInotifyTools
import Glibc
import Synchronization

/// Ends a poll(2) from another thread, once and for good.
final class PollEnder: Sendable {
    /// -1, which poll(2) passes over, when none was left: then the one who polls sees the end only after its pause.
    let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    private let hasEnded = Atomic<Bool>(false)

    deinit { if descriptor >= 0 { close(descriptor) } }

    var isEnded: Bool { hasEnded.load(ordering: .acquiring) }

    func end() {
        hasEnded.store(true, ordering: .releasing)
        // It fails only when the counter is full, and then it has ended before.
        if descriptor >= 0 { _ = eventfd_write(descriptor, 1) }
    }
}
