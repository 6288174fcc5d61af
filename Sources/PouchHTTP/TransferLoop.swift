import Glibc
import Synchronization

/// Takes transfers from any task and hands them to one thread of its own, which starts with the first of them and ends with
/// `close`.
///
/// libcurl and the reading of source files block now and then; that is why this is a thread and no task.
final class TransferLoop: Sendable {
    enum Command: Sendable {
        case start(Submission)
        case cancel(UInt64)
    }

    private enum Phase {
        case asleep
        case running(MultiHandle)
        case closed
    }

    private struct State {
        var phase = Phase.asleep
        var commands: [Command] = []

        /// One wake-up serves all that is queued until the thread takes it.
        mutating func enqueue(_ command: Command) {
            guard case .running(let multi) = phase else { return }
            if commands.isEmpty { multi.wakeUp() }
            commands.append(command)
        }
    }

    private let state = Mutex(State())
    private let nextID = Atomic<UInt64>(0)
    private let maximumTransfers: Int
    private let watch: TurnWatch?

    /// - Parameters:
    ///   - maximumTransfers: How many run at once. More wait here in their order, without a connection or a descriptor.
    ///   - watch: For a protocol whose library may keep the thread, or wake it for nothing (`IdleTurns`).
    init(maximumTransfers: Int, watch: TurnWatch? = nil) {
        self.maximumTransfers = max(1, maximumTransfers)
        self.watch = watch
    }

    private func newID() -> UInt64 { nextID.add(1, ordering: .relaxed).newValue }

    /// Every submitted transfer gets its `end`, whatever happens.
    private func submit(_ submission: Submission) {
        let refusal = state.withLock { state -> TransferEnd? in
            if case .closed = state.phase { return .closed }
            if case .asleep = state.phase {
                do throws(TransferProblem) {
                    state.phase = .running(try startedThread())
                } catch {
                    return .broken(error)
                }
            }
            state.enqueue(.start(submission))
            return nil
        }
        if let refusal { submission.make().end(refusal, of: nil) }
    }

    /// Ends the transfer with `.cancelled` if it is not over yet. One that is not there any more is none of anybody's concern.
    private func cancel(_ id: UInt64) { state.withLock { $0.enqueue(.cancel(id)) } }

    /// Ends all transfers with `.closed`, and refuses new ones. Does not wait for the thread, which needs a few milliseconds.
    func close() {
        state.withLock { state in
            if case .running(let multi) = state.phase { multi.wakeUp() }
            state.phase = .closed
        }
    }

    /// Runs one transfer to its end, or until the task is cancelled.
    ///
    /// - Parameter make: Gets what to call once with the outcome, and what is raised when nobody waits for it any more. It runs on the
    ///   loop's thread.
    func outcome<Answer: Sendable, Failure: Error>(
        of make:
            @escaping @Sendable (
                _ completion: @escaping @Sendable (Result<Answer, Failure>) -> Void, _ cancellation: Cancellation
            ) -> any Transfer
    ) async -> Result<Answer, Failure> {
        let id = newID()
        let cancellation = Cancellation()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                submit(
                    Submission(id: id, cancellation: cancellation) {
                        make({ continuation.resume(returning: $0) }, cancellation)
                    })
            }
        } onCancel: {
            // The flag serves the cancellation that overtakes its submission, the command the one that comes later.
            cancellation.raise()
            cancel(id)
        }
    }

    /// What came in since the last call; for the thread.
    func takeCommands() -> (commands: [Command], isClosed: Bool) {
        state.withLock { state in
            defer { state.commands = [] }
            if case .closed = state.phase { return (state.commands, true) }
            return (state.commands, false)
        }
    }

    /// For the thread that cannot go on: what came in meanwhile. The next submission starts a new thread.
    func fallAsleep() -> [Command] {
        state.withLock { state in
            defer { state.commands = [] }
            if case .running = state.phase { state.phase = .asleep }
            return state.commands
        }
    }

    private func startedThread() throws(TransferProblem) -> MultiHandle {
        let multi = try MultiHandle(idleConnections: maximumTransfers, watch: watch)
        // The thread keeps the loop's queue and the handle alive until it ends; it ends because the engine closes the loop.
        let thread = TransferThread(loop: self, multi: multi, maximumTransfers: maximumTransfers, watch: watch)
        let context = Unmanaged.passRetained(thread)
        var identity = pthread_t()
        let code = pthread_create(
            &identity, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<TransferThread>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw TransferProblem(text: "no thread for transfers: \(String(cString: strerror(code)))")
        }
        pthread_detach(identity)
        return multi
    }
}
