import Synchronization

/// What a partner's deliveries may use together, whatever they use it for. Changeable while they run.
public final class TransferBudget: Sendable {
    public struct Limits: Hashable, Sendable {
        /// `nil`: as fast as it goes.
        public var bytesPerSecond: Int64?
        /// Requests in flight for the partner, segments and copies included.
        public var atOnce: Int
        /// How long one attempt may take before the adapter gives up with `.retry`.
        public var deadline: Duration

        /// What each of the deliveries that may run at once can use of the rate, for those who cannot `reserve` (another process);
        /// `nil`: as fast as it goes.
        public var share: Int64? { bytesPerSecond.map { max($0 / Int64(max(atOnce, 1)), 1) } }

        public init(bytesPerSecond: Int64? = nil, atOnce: Int = 8, deadline: Duration = .seconds(86_400)) {
            self.bytesPerSecond = bytesPerSecond
            self.atOnce = atOnce
            self.deadline = deadline
        }
    }

    private struct State {
        var limits: Limits
        var schedule = ByteSchedule()
        var line = SlotLine()
    }

    private let state: Mutex<State>

    public init(_ limits: Limits = Limits()) { state = Mutex(State(limits: limits)) }

    public var limits: Limits { state.withLock { $0.limits } }

    public func change(to limits: Limits) {
        let admitted = state.withLock { state in
            state.limits = limits
            return state.line.admit(upTo: limits.atOnce)
        }
        for waiter in admitted { waiter.resume(returning: true) }
    }

    // MARK: Bandwidth

    /// Asks when some of the `wanted` bytes may be sent. Everything that the partner is sent asks here first, and sends what it was
    /// given from `start` on: so the rate holds for all of it together.
    ///
    /// - Parameters:
    ///   - wanted: More than 0.
    ///   - now: By `AgentClock.monotonic`.
    /// - Returns: `nil` when there is no limit: send all at once.
    public func reserve(upTo wanted: Int64, at now: Duration) -> ByteSchedule.Reservation? {
        state.withLock { state in
            guard let rate = state.limits.bytesPerSecond else { return nil }
            return state.schedule.reserve(upTo: wanted, rate: rate, at: now)
        }
    }

    // MARK: Slots

    /// Takes one of the partner's slots, for one request; waits in line while all are taken. Never wait for a second one with a
    /// slot in hand.
    ///
    /// - Returns: `nil` when the task was cancelled.
    public func slot() async -> TransferSlot? {
        let id = state.withLock { $0.line.newID() }
        let isAdmitted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDecided: Bool? = state.withLock { state in
                    // The handler may have come first.
                    if Task.isCancelled { return false }
                    return state.line.enter(id, continuation, upTo: state.limits.atOnce) ? true : nil
                }
                if let isDecided { continuation.resume(returning: isDecided) }
            }
        } onCancel: {
            state.withLock { $0.line.leave(id) }?.resume(returning: false)
        }
        return isAdmitted ? TransferSlot(of: self) : nil
    }

    /// Requests that wait for a slot.
    public var waiting: Int { state.withLock { $0.line.waiting.count } }

    fileprivate func giveBack() {
        let admitted = state.withLock { state in
            state.line.giveBack()
            return state.line.admit(upTo: state.limits.atOnce)
        }
        for waiter in admitted { waiter.resume(returning: true) }
    }
}

/// The right to have one request in flight, until it is let go.
public final class TransferSlot: Sendable {
    private let budget: TransferBudget

    fileprivate init(of budget: TransferBudget) { self.budget = budget }

    deinit { budget.giveBack() }
}

/// Who has a slot, and who waits for one, in the order in which they came.
private struct SlotLine {
    private var taken = 0
    private var latest: UInt64 = 0
    private(set) var waiting: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []

    mutating func newID() -> UInt64 {
        latest += 1
        return latest
    }

    /// True when there is a slot at once.
    mutating func enter(_ id: UInt64, _ continuation: CheckedContinuation<Bool, Never>, upTo most: Int) -> Bool {
        guard waiting.isEmpty, taken < most else {
            waiting.append((id, continuation))
            return false
        }
        taken += 1
        return true
    }

    mutating func leave(_ id: UInt64) -> CheckedContinuation<Bool, Never>? {
        waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0).continuation }
    }

    mutating func giveBack() { taken -= 1 }

    /// Those whose turn it is.
    mutating func admit(upTo most: Int) -> [CheckedContinuation<Bool, Never>] {
        let count = min(max(most - taken, 0), waiting.count)
        taken += count
        defer { waiting.removeFirst(count) }
        return waiting.prefix(count).map(\.continuation)
    }
}
