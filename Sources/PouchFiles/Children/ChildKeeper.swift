import CLinux
import Glibc
import Synchronization

/// A child process as its thread and its users share it: its descriptors, and what waits to be written.
final class ChildKeeper: Sendable {
    private static let mostUnread = 1 << 20

    private struct State {
        /// No signal is sent any more: the number may be another's.
        var isReaped = false
        var outbox: [UInt8] = []
        /// No more is taken for its input, which is closed once the outbox is empty.
        var isInputEnding = false
        /// `nil`: closed.
        var input: SharedFile?
        var wantsTicks = false
        /// When it is killed if it has not ended by then.
        var killAt: ContinuousClock.Instant?
    }

    /// What the thread waits for next.
    struct Wishes {
        /// Its input, where something waits for room in it.
        let writing: Int32?
        let wantsTicks: Bool
        let killAt: ContinuousClock.Instant?
    }

    let number: Int32
    let pidfd: SharedFile
    let output: SharedFile
    let errors: SharedFile
    /// Written to when the wishes have changed.
    private let bell: SharedFile
    private let state: Mutex<State>

    init(
        number: Int32, pidfd: SharedFile, input: SharedFile, output: SharedFile, errors: SharedFile,
        bell: SharedFile
    ) {
        self.number = number
        self.pidfd = pidfd
        state = Mutex(State(input: input))
        self.output = output
        self.errors = errors
        self.bell = bell
    }

    var bellDescriptor: Int32 { bell.descriptor }

    var wishes: Wishes {
        state.withLock { state in
            Wishes(
                writing: state.outbox.isEmpty ? nil : state.input?.descriptor, wantsTicks: state.wantsTicks, killAt: state.killAt)
        }
    }

    func write(_ bytes: [UInt8]) {
        let unread = state.withLock { state in
            guard !state.isInputEnding, !state.isReaped else { return 0 }
            let hadRoom = state.outbox.isEmpty
            state.outbox += bytes
            if hadRoom { flush(&state) }
            return state.outbox.count
        }
        // What was written at once, as nearly everything is, is no business of the thread.
        if unread > Self.mostUnread { kill() } else if unread > 0 { ring() }
    }

    func tick(_ isOn: Bool) {
        let wasOn = state.withLock { state in
            defer { state.wantsTicks = isOn }
            return state.wantsTicks
        }
        // A thread that ticks needs no bell to stop: the next tick finds nothing to do.
        if isOn, !wasOn { ring() }
    }

    func end(within grace: Duration) {
        state.withLock { state in
            state.isInputEnding = true
            let limit = ContinuousClock.now + grace
            state.killAt = state.killAt.map { min($0, limit) } ?? limit
            flush(&state)
        }
        ring()
    }

    func kill() {
        state.withLock { state in
            guard !state.isReaped else { return }
            // The group bears the number of the child, which is not reaped: no stranger can have it.
            _ = Glibc.kill(-number, SIGKILL)
        }
    }

    // MARK: The thread's own

    /// Kills it, and again after a while: a child that waits for a disk dies when the disk answers.
    func killOverdue() {
        kill()
        state.withLock { $0.killAt = ContinuousClock.now + .seconds(1) }
    }

    func flush() { state.withLock { flush(&$0) } }

    /// Takes what rang.
    func answerBell() {
        var count: UInt64 = 0
        _ = read(bell.descriptor, &count, MemoryLayout<UInt64>.size)
    }

    /// How it ended; `nil` while it runs. It stays a zombie, and its number taken.
    func ending() -> ChildEnding? { ended(reaping: false) }

    /// Kills what is left of its group, then gives the number back.
    func reap() {
        state.withLock { state in
            guard !state.isReaped else { return }
            _ = Glibc.kill(-number, SIGKILL)
            _ = ended(reaping: true)
            state.isReaped = true
            state.outbox = []
        }
    }

    private func ended(reaping: Bool) -> ChildEnding? {
        var how: Int32 = 0
        var status: Int32 = 0
        let answer = SystemCall.shim { pouch_child_ended(pidfd.descriptor, reaping ? 1 : 0, &how, &status) }
        guard answer != 0 else { return nil }
        // Somebody else reaped it, against all rules: how it ended is lost, that it ended is not.
        guard answer > 0 else { return .killed(signal: 0) }
        return how == Int32(CLD_EXITED) ? .exited(status) : .killed(signal: status)
    }

    private func flush(_ state: inout State) {
        guard let input = state.input else { return }
        while !state.outbox.isEmpty {
            let count = state.outbox.withUnsafeBytes { pouch_write_quietly(input.descriptor, $0.baseAddress, $0.count) }
            if count == -Int(EINTR) { continue }
            if count == -Int(EAGAIN) { return }
            // A child that reads no more: its end, or its silence, says the rest.
            if count > 0 { state.outbox.removeFirst(count) } else { state.outbox = [] }
        }
        if state.isInputEnding { state.input = nil }
    }

    private func ring() {
        var one: UInt64 = 1
        _ = Glibc.write(bell.descriptor, &one, MemoryLayout<UInt64>.size)
    }
}
