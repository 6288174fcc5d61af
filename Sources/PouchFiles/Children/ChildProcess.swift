import CLinux
import Glibc

/// A child process in a process group of its own, which ends with this object and with this process, whatever becomes of either.
///
/// A thread of its own forks it, reads what it writes, and reaps it: the kernel kills the child when the thread that forked it ends
/// (`PR_SET_PDEATHSIG`), so that thread lives exactly as long as the child. Its number is never kept beyond its reaping, and as long as it
/// is not reaped nobody else can have its number or its group's: a signal never reaches a stranger.
package final class ChildProcess: Sendable {
    package enum Event: Sendable {
        /// At most 64 KiB that it wrote to its standard output. It waits, with its pipe full, until this was taken.
        case output([UInt8])
        /// The same of its standard error.
        case errors([UInt8])
        /// A moment has passed; sent four times a second while `ticks` is on.
        case tick
        /// It ended, and everything in its group with it. The last event.
        case ended(ChildEnding)
    }

    private let keeper: ChildKeeper

    private init(_ keeper: ChildKeeper) { self.keeper = keeper }

    /// Ends the child soon: nobody is left who could speak with it.
    deinit { keeper.end(within: .seconds(2)) }

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - name: of its thread here; the kernel keeps 15 bytes.
    ///   - receive: gets its events, one after the other, on that thread: it must not block.
    /// - Throws: `FileProblem` when it cannot be started, also for what failed between fork and exec.
    package static func start(
        _ program: ChildProgram, name: String, receive: @escaping @Sendable (Event) -> Void
    ) async throws(FileProblem) -> ChildProcess {
        let outcome = await withCheckedContinuation { (waiting: CheckedContinuation<Result<ChildKeeper, FileProblem>, Never>) in
            ChildThread.begin(program, name: name, receive: receive) { waiting.resume(returning: $0) }
        }
        return ChildProcess(try outcome.get())
    }

    /// Writes to its standard input, or keeps the bytes until there is room. A child that leaves more than a mebibyte unread is killed.
    package func write(_ bytes: [UInt8]) { keeper.write(bytes) }

    /// Whether `tick` events are sent.
    package func tick(_ isOn: Bool) { keeper.tick(isOn) }

    /// Closes its standard input, and kills it when it has not ended by then.
    package func end(within grace: Duration) { keeper.end(within: grace) }

    /// Kills it and everything in its group, now.
    package func kill() { keeper.kill() }

    /// Whether a child can open what this process has open, by `/proc/<number>/fd/<descriptor>`.
    package static var canLendFiles: Bool { pouch_is_open_to_its_user() == 1 }

    /// For messages and tests. A number is no handle: nothing is done with it.
    package var number: Int32 { keeper.number }
}
