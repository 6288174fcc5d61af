#if canImport(Glibc)
    import Glibc
#endif

/// The two clocks of the agent. Decisions take times as arguments; only loops ask a clock.
public protocol AgentClock: Sendable {
    /// Wall-clock time: for people, protocols and keys. It may jump.
    var now: Timestamp { get }
    /// Time since an arbitrary start; never jumps. For waiting and for measuring.
    var monotonic: Duration { get }
    /// - Throws: `CancellationError`, and nothing else.
    func sleep(for duration: Duration) async throws
}

/// The machine's own clocks.
public struct SystemClock: AgentClock {
    public init() {}

    public var now: Timestamp { Timestamp(nanoseconds: Self.read(CLOCK_REALTIME)) }

    public var monotonic: Duration { .nanoseconds(Self.read(CLOCK_BOOTTIME)) }

    public func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Fails only for a clock that the kernel does not know, and both are older than any kernel that runs this.
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
