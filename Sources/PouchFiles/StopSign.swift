import Synchronization

/// Tells work on a blocking thread, which belongs to no task, that its task was cancelled.
package final class StopSign: Sendable {
    private let raised = Atomic<Bool>(false)

    package init() {}

    package var isRaised: Bool { raised.load(ordering: .relaxed) }

    package func raise() { raised.store(true, ordering: .relaxed) }
}

extension BlockingLane {
    /// Runs work that can be asked to stop: the sign is raised when the task is cancelled.
    package func run<Value: Sendable, Failure: Error>(
        stoppable work: @escaping @Sendable (StopSign) throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let sign = StopSign()
        let outcome: Result<Value, Failure> = await withTaskCancellationHandler {
            await run { Result { () throws(Failure) in try work(sign) } }
        } onCancel: {
            sign.raise()
        }
        return try outcome.get()
    }
}
