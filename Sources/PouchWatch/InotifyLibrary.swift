import CInotifyTools
import Glibc
import PouchFiles
import PouchKit
import Synchronization

/// libinotifytools, of which there is one per process: all its state is static. Every call into it happens under this lock, so that
/// it never sees two threads at once.
///
/// It is used for adding, removing and reading watches only. Its own recursion and its own paths are not: it sets a folder's
/// watch after it walked the folder, and keeps the old path of a folder that was renamed.
final class InotifyLibrary: Sendable {
    static let shared = InotifyLibrary()

    enum WatchAnswer: Hashable {
        case watched(Int32)
        /// An inode has one watch per instance, and this one's is another drop folder's.
        case watchedByAnother
        /// The limit on watches is reached.
        case limitReached
        case failed(errno: Int32)
    }

    private struct Watch {
        let folder: WatchTree.Identity
        let owner: FolderMailbox
    }

    private struct State {
        var users = 0
        var descriptor: Int32?
        var watches: [Int32: Watch] = [:]
        var watchOfFolder: [WatchTree.Identity: Int32] = [:]
        /// Makes each name that the library is given unique.
        var nameCounter: UInt64 = 0
        /// Entries of watches that the kernel ended: the library keeps them for ever.
        var deadEntries = 0
    }

    /// At so many dead entries (some 350 bytes each) the library is started afresh.
    private static let mostDeadEntries = 20_000
    private static let interest = UInt32(
        IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR)

    private let state = Mutex(State())

    /// Starts the library for its first user. Each `open` is paired with a `close`.
    ///
    /// - Throws: `InotifyProblem`; then there are no events, and sweeps must do.
    func open() throws(InotifyProblem) {
        let outcome = state.withLock { state in
            Result { () throws(InotifyProblem) in
                if state.descriptor == nil { state.descriptor = try Self.start() }
                state.users += 1
            }
        }
        try outcome.get()
    }

    func close() {
        state.withLock { state in
            state.users -= 1
            guard state.users == 0 else { return }
            Self.discardEvents()
            inotifytools_cleanup()
            state = State()
        }
    }

    /// What to poll for events; `nil` while the library could not be started again.
    var descriptor: Int32? { state.withLock { $0.descriptor } }

    var watchCount: Int { state.withLock { $0.watches.count } }

    /// The system's limit on watches of this user; a container may have a lower one of its own.
    var limit: Int {
        let system = state.withLock { _ in Int(inotifytools_get_max_user_watches()) }
        // Kernels without user namespaces have no such file.
        guard let file = try? OpenFile.open("/proc/sys/user/max_inotify_watches"), let bytes = try? file.readAll(limit: 64),
            let own = Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        else { return system }
        return min(system, own)
    }

    /// Watches the folder behind the descriptor, whatever its path is by now.
    func watch(_ folder: DirectoryHandle, _ identity: WatchTree.Identity, for mailbox: FolderMailbox) -> WatchAnswer {
        state.withLock { state in
            guard state.descriptor != nil else { return .failed(errno: ENODEV) }
            if let known = state.watchOfFolder[identity], let watch = state.watches[known] {
                return watch.owner === mailbox ? .watched(known) : .watchedByAnother
            }
            state.nameCounter += 1
            let name = Self.uniqueName(of: folder.descriptor, state.nameCounter)
            guard inotifytools_watch_file(name, Int32(bitPattern: Self.interest)) == 1 else {
                let code = inotifytools_error()
                return code == ENOSPC ? .limitReached : .failed(errno: code)
            }
            let watch = inotifytools_wd_from_filename(name)
            guard watch > 0 else { return .failed(errno: EBADF) }
            state.watches[watch] = Watch(folder: identity, owner: mailbox)
            state.watchOfFolder[identity] = watch
            return .watched(watch)
        }
    }

    func unwatch(_ watch: Int32) {
        state.withLock { state in
            // The kernel may have ended the watch already: read first, for the library complains on stderr about a watch that is gone.
            Self.drain(&state)
            guard Self.forget(watch, &state) != nil else { return }
            inotifytools_remove_watch_by_wd(watch)
        }
    }

    /// Whether the watch lives and is this folder's.
    func isWatching(_ watch: Int32, for mailbox: FolderMailbox) -> Bool { state.withLock { $0.watches[watch]?.owner === mailbox } }

    /// Hands all events that are there to their owners.
    func drain() {
        state.withLock { state in
            // It could not be started afresh: again. The next sweep of each folder sets its watches.
            if state.descriptor == nil { state.descriptor = try? Self.start() }
            Self.drain(&state)
            if state.deadEntries > Self.mostDeadEntries, state.deadEntries > 2 * state.watches.count { Self.restart(&state) }
        }
    }

    private static func drain(_ state: inout State) {
        guard state.descriptor != nil else { return }
        // A timeout of 0 and one event: the only form that neither blocks nor spins.
        while let event = inotifytools_next_events(0, 1) {
            let mask = event.pointee.mask
            if mask & UInt32(IN_Q_OVERFLOW) != 0 {
                // It has no watch: nobody knows whose events were lost.
                for owner in owners(state) { owner.lose() }
                continue
            }
            let number = event.pointee.wd
            guard let watch = state.watches[number], let happening = happening(mask) else { continue }
            if mask & UInt32(IN_IGNORED) != 0 {
                forget(number, &state)
                state.deadEntries += 1
            }
            watch.owner.post(FolderEvent(watch: number, happening: happening, name: name(of: event)))
        }
    }

    private static func happening(_ mask: UInt32) -> FolderEvent.Happening? {
        let isFolder = mask & UInt32(IN_ISDIR) != 0
        return if mask & UInt32(IN_CLOSE_WRITE) != 0 { .closedAfterWriting } else if mask & UInt32(IN_MOVED_TO) != 0 {
            isFolder ? .folderMovedIn : .movedIn
        } else if mask & UInt32(IN_CREATE) != 0 { isFolder ? .folderCreated : .created } else if mask & UInt32(IN_MOVE_SELF) != 0 {
            .movedAway
        } else if mask & UInt32(IN_IGNORED) != 0 { .watchEnded } else { nil }
    }

    @discardableResult
    private static func forget(_ number: Int32, _ state: inout State) -> Watch? {
        guard let watch = state.watches.removeValue(forKey: number) else { return nil }
        state.watchOfFolder[watch.folder] = nil
        return watch
    }

    private static func owners(_ state: State) -> [FolderMailbox] {
        var owners: [ObjectIdentifier: FolderMailbox] = [:]
        for watch in state.watches.values { owners[ObjectIdentifier(watch.owner)] = watch.owner }
        return Array(owners.values)
    }

    /// The library cannot let go of a watch that the kernel ended; only starting it afresh gives the memory back.
    private static func restart(_ state: inout State) {
        let owners = owners(state)
        discardEvents()
        inotifytools_cleanup()
        state.watches = [:]
        state.watchOfFolder = [:]
        state.deadEntries = 0
        // Without it there are no events, and all folders count as unwatched until `drain` has it.
        state.descriptor = try? start()
        for owner in owners { owner.loseWatches() }
    }

    /// The library's buffer outlives its cleanup: what is left in it would come out as events of the next life.
    private static func discardEvents() { while inotifytools_next_events(0, 1) != nil {} }

    /// The library does not give its descriptor away: it is the inotify descriptor that was not there before.
    private static func start() throws(InotifyProblem) -> Int32 {
        let before = inotifyDescriptors()
        guard inotifytools_initialize() == 1 else { throw .refused(errno: inotifytools_error()) }
        let new = inotifyDescriptors().subtracting(before)
        guard new.count == 1, let descriptor = new.first else {
            inotifytools_cleanup()
            throw .descriptorNotFound
        }
        // The library calls select(2), which writes beyond its set for a larger descriptor.
        guard descriptor < 1_024 else {
            inotifytools_cleanup()
            throw .descriptorTooLarge(descriptor)
        }
        // The library opens it without: children would inherit the queue.
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            let code = errno
            inotifytools_cleanup()
            throw .refused(errno: code)
        }
        return descriptor
    }

    private static func inotifyDescriptors() -> Set<Int32> {
        guard let folder = try? DirectoryHandle.open("/proc/self/fd"), var entries = try? folder.entries() else { return [] }
        var found: Set<Int32> = []
        while let entry = try? entries.next() {
            guard let number = Int32(String(decoding: entry.name, as: UTF8.self)) else { continue }
            var target = [UInt8](repeating: 0, count: 64)
            let count = readlink("/proc/self/fd/\(number)", &target, target.count)
            if count > 0, target[..<count].elementsEqual("anon_inode:inotify".utf8) { found.insert(number) }
        }
        return found
    }

    /// A path that leads to the descriptor's folder and was never given before.
    ///
    /// The library tells a watch's number only for a name, and for a name that it was given twice it tells the first, dead one's. So
    /// the counter is spelled in parts that lead nowhere: `/` for a 0, `./` for a 1.
    private static func uniqueName(of descriptor: Int32, _ counter: UInt64) -> String {
        var name = "/proc/self/fd/\(descriptor)/"
        var rest = counter
        while rest > 0 {
            name += rest & 1 == 1 ? "./" : "/"
            rest >>= 1
        }
        return name
    }

    private static func name(of event: UnsafeMutablePointer<inotify_event>) -> [UInt8] {
        guard event.pointee.len > 0, let start = pouch_event_name(event) else { return [] }
        // Padded with NULs to the length.
        return [UInt8](UnsafeRawBufferPointer(start: start, count: strnlen(start, Int(event.pointee.len))))
    }
}

/// Why there are no events.
enum InotifyProblem: Error, Hashable, CustomStringConvertible {
    case refused(errno: Int32)
    case descriptorNotFound
    case descriptorTooLarge(Int32)

    var description: String {
        switch self {
        case .refused(EMFILE): "the limit on inotify instances or open files is reached (EMFILE)"
        case .refused(let code): "inotify is refused: \(FileProblem(operation: "start", path: "inotify", errno: code).cause)"
        case .descriptorNotFound: "the descriptor of inotify is not in /proc/self/fd"
        case .descriptorTooLarge(let descriptor):
            "too many files are open: inotify got descriptor \(descriptor), and 1023 is the last that it can use"
        }
    }
}
