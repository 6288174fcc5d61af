import Synchronization

/// What a delivery may use. Shared by the deliveries of a partner and changeable while they run.
public final class TransferBudget: Sendable {
    public struct Limits: Hashable, Sendable {
        /// `nil`: as fast as it goes.
        public var bytesPerSecond: Int64?
        /// Requests in flight for the partner, segments and copies included.
        public var atOnce: Int
        /// How long one attempt may take before the adapter gives up with `.retry`.
        public var deadline: Duration

        /// What each of the deliveries that may run at once can use of the rate; `nil`: as fast as it goes.
        public var share: Int64? { bytesPerSecond.map { max($0 / Int64(max(atOnce, 1)), 1) } }

        public init(bytesPerSecond: Int64? = nil, atOnce: Int = 8, deadline: Duration = .seconds(86_400)) {
            self.bytesPerSecond = bytesPerSecond
            self.atOnce = atOnce
            self.deadline = deadline
        }
    }

    private let state: Mutex<Limits>

    public init(_ limits: Limits = Limits()) { state = Mutex(limits) }

    public var limits: Limits { state.withLock { $0 } }

    public func change(to limits: Limits) { state.withLock { $0 = limits } }
}
