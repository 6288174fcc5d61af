import Synchronization

/// One event, as the kernel told it.
struct FolderEvent: Hashable, Sendable {
    enum Happening {
        case created, closedAfterWriting, movedIn, folderCreated, folderMovedIn
        /// The watched folder itself was renamed.
        case movedAway
        /// It was deleted or unmounted.
        case watchEnded
    }

    let watch: Int32
    let happening: Happening
    /// Of what it happened to in the watched folder; empty when it happened to the folder itself.
    let name: [UInt8]
}

/// Where the thread that reads events and the callers of the watcher leave what a folder's loop must know. Bounded: when more
/// happens than fits, the events are forgotten, and that is remembered.
final class FolderMailbox: Sendable {
    struct Contents {
        var events: [FolderEvent] = []
        /// Events were forgotten, here or in the kernel.
        var hasLost = false
        /// The library was started afresh: no watch of this folder lives.
        var hasLostWatches = false
        var sweepRequests: [CheckedContinuation<SweepFigures?, Never>] = []
        var isClosed = false

        var isEmpty: Bool { events.isEmpty && !hasLost && !hasLostWatches && sweepRequests.isEmpty && !isClosed }
    }

    fileprivate struct State {
        var contents = Contents()
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) { self.capacity = capacity }

    func post(_ event: FolderEvent) {
        change { contents in
            // The loop has not seen the loss yet: the sweep that it will make then tells more than the event.
            if contents.hasLost { return }
            if contents.events.count >= capacity {
                contents.events = []
                contents.hasLost = true
            } else {
                contents.events.append(event)
            }
        }
    }

    func lose() {
        change { contents in
            contents.events = []
            contents.hasLost = true
        }
    }

    func loseWatches() { change { $0.hasLostWatches = true } }

    /// Wakes the loop: a time has come.
    func ring() {
        let waiter = state.withLock { state in
            state.isRung = true
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    /// The loop has ended, or is to end. Requests are answered with `nil` from now on.
    func close() {
        let requests = state.withLock { state in
            state.contents.isClosed = true
            defer { state.contents.sweepRequests = [] }
            return state.contents.sweepRequests
        }
        for request in requests { request.resume(returning: nil) }
        ring()
    }

    /// The figures of a sweep that begins after this call; `nil` when the loop ended before.
    func requestSweep() async -> SweepFigures? {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if !state.contents.isClosed { state.contents.sweepRequests.append(continuation) }
                return state.contents.isClosed
            }
            if isClosed { continuation.resume(returning: nil) } else { ring() }
        }
    }

    /// All that came since the last time.
    func take() -> Contents {
        state.withLock { state in
            let contents = state.contents
            state.contents = Contents()
            state.contents.isClosed = contents.isClosed
            state.isRung = false
            return contents
        }
    }

    /// Returns when there is something to take or a time has come. For the loop alone.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isNews = state.withLock { state in
                if state.isRung || !state.contents.isEmpty { return true }
                state.waiter = continuation
                return false
            }
            if isNews { continuation.resume() }
        }
    }

    private func change(_ change: (inout Contents) -> Void) {
        let waiter = state.withLock { state in
            change(&state.contents)
            return state.takeWaiter()
        }
        waiter?.resume()
    }
}

extension FolderMailbox.State {
    fileprivate mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }
}
