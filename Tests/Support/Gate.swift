import Glibc

/// Holds a thread until a test lets it go on.
package final class Gate: Sendable {
    private let descriptors: (reading: Int32, writing: Int32)

    package init() throws(SocketProblem) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SocketProblem("pipe", errno) }
        descriptors = (ends[0], ends[1])
    }

    deinit {
        close(descriptors.reading)
        close(descriptors.writing)
    }

    /// Once and for all, for whoever waits or will wait.
    package func open() { _ = write(descriptors.writing, "o", 1) }

    /// Blocks the thread until `open` was called, before or after.
    package func wait() {
        var poll = pollfd(fd: descriptors.reading, events: Int16(POLLIN), revents: 0)
        while Glibc.poll(&poll, 1, -1) < 0 && errno == EINTR {}
    }
}
