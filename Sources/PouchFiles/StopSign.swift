import Synchronization

/// Tells work on a blocking thread, which belongs to no task, that its task was cancelled.
package final class StopSign: Sendable {
    private let raised = Atomic<Bool>(false)

    package init() {}

    package var isRaised: Bool { raised.load(ordering: .relaxed) }

    package func raise() { raised.store(true, ordering: .relaxed) }
}
