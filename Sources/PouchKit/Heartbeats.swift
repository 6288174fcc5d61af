import Synchronization

#if DEBUG
    import Glibc
#endif

/// Shows that the loops of a process move: each is asked now and then, and answers when it comes around.
///
/// Asking wakes a loop that has nothing to do, so that an idle one answers too, and a silent one is stuck. Who asks, and what follows from
/// a loop's silence, is somebody else's.
package final class Heartbeats: Sendable {
    private struct Loop {
        let name: String
        let wake: @Sendable () -> Void
        var isAsked = false
        var isExcused: @Sendable () -> Bool = { false }
    }

    private struct State {
        var loops: [Int: Loop] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// A loop begins; it leaves when it ends.
    ///
    /// - Parameters:
    ///   - wake: has the loop come around when it waits. Called on any thread, often for nothing.
    ///   - isExcused: whether something keeps it for which it is not to blame, and which ending the process would not mend.
    package func join(
        _ name: String,
        wake: @escaping @Sendable () -> Void = {},
        isExcused: @escaping @Sendable () -> Bool = { false }
    ) -> Heartbeat {
        let number = state.withLock { state in
            state.next += 1
            state.loops[state.next] = Loop(name: name, wake: wake, isExcused: isExcused)
            return state.next
        }
        return Heartbeat(of: number, named: name, among: self)
    }

    /// Asks every loop that has answered the last question.
    package func ask() {
        let wakes = state.withLock { state in
            for number in state.loops.keys { state.loops[number]?.isAsked = true }
            return state.loops.values.map(\.wake)
        }
        for wake in wakes { wake() }
    }

    /// Those that were asked and have not answered, sorted; the excused ones are left out.
    package var silent: [String] {
        state.withLock { $0.loops.values.filter(\.isAsked) }.filter { !$0.isExcused() }.map(\.name).sorted()
    }

    fileprivate func answered(_ number: Int) { state.withLock { $0.loops[number]?.isAsked = false } }

    fileprivate func left(_ number: Int) { state.withLock { $0.loops[number] = nil } }
}

/// One loop's answers.
package final class Heartbeat: Sendable {
    private let number: Int
    private let name: String
    private let heartbeats: Heartbeats

    fileprivate init(of number: Int, named name: String, among heartbeats: Heartbeats) {
        self.number = number
        self.name = name
        self.heartbeats = heartbeats
    }

    /// For a loop on a thread: it comes around.
    package func beat() { heartbeats.answered(number) }

    /// For a loop in a task: it comes around.
    package func comesAround() async {
        await StuckLoop.standStill(if: name)
        beat()
    }

    package func leave() { heartbeats.left(number) }
}

/// A loop that a test wants stuck. Release builds contain none.
///
/// `POUCH_STUCK_LOOP=housekeeping:3` lets that loop stand still when it comes around for the third time, until it is cancelled.
enum StuckLoop {
    static func standStill(if name: String) async {
        #if DEBUG
            guard let chosen, chosen.name == name else { return }
            guard comings.add(1, ordering: .relaxed).newValue >= chosen.count else { return }
            // Cancellation ends the sleep, and the loop sees it.
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
        #endif
    }

    #if DEBUG
        private static let chosen: (name: String, count: Int)? = {
            guard let text = getenv("POUCH_STUCK_LOOP").map({ String(cString: $0) }) else { return nil }
            let parts = text.split(separator: ":", maxSplits: 1)
            guard let name = parts.first else { return nil }
            return (String(name), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }()

        private static let comings = Atomic<Int>(0)
    #endif
}
