package import PouchKit
import Synchronization

/// A SHA-256 that grows part by part, handed from thread to thread between the parts.
package final class RunningDigest: Sendable {
    private let hasher = Mutex(SHA256Hasher())

    package init() {}

    package func update(_ bytes: UnsafeRawBufferPointer) { hasher.withLock { $0.update(bytes) } }

    /// Of all bytes so far.
    package func finish() -> SHA256Digest { hasher.withLock { $0.finish() } }
}
