import Glibc
import PouchFiles
import PouchKit

/// The thread that empties the kernel's queue as soon as something is in it, so that the queue is never the one that overflows
/// because somebody else is slow.
struct InotifyReader {
    private let library: InotifyLibrary
    private let ender: PollEnder
    private let heartbeats: Heartbeats

    init(library: InotifyLibrary, ender: PollEnder, heartbeats: Heartbeats) {
        self.heartbeats = heartbeats
        self.library = library
        self.ender = ender
    }

    /// Reads until it is ended. Blocks its thread.
    func run() {
        // It is never woken to be asked: it comes around by itself.
        let heartbeat = heartbeats.join("inotify")
        defer { heartbeat.leave() }
        while !ender.isEnded {
            heartbeat.beat()
            // Started afresh, the library has another descriptor; a poll of the old one ends at the latest after the pause.
            var waits = [pollfd(fd: ender.descriptor, events: Int16(POLLIN), revents: 0)]
            if let descriptor = library.descriptor { waits.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
            // An error (EINTR, ENOMEM) means no more than to look again.
            _ = poll(&waits, nfds_t(waits.count), 1_000)
            library.drain()
        }
    }
}
