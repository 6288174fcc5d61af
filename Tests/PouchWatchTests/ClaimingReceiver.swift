import Glibc
import PouchFiles
import PouchKit
import PouchWatch
import Synchronization

/// Takes drops as the agent does, by a rename, and lets tests await what came.
final class ClaimingReceiver: DropReceiver {
    struct Record {
        /// In the order in which they were claimed.
        var claimed: [DropPath] = []
        /// Offers, claimed or not.
        var offered: [SettledDrop] = []
        var ignored: [DropPath: [String]] = [:]
        var notices: [WatchNotice] = []
        var sweeps: [SweepFigures] = []
        /// Bytes of each claimed file, as it was when it was offered.
        var sizes: [DropPath: Int64] = [:]

        func isClaimed(_ path: String) -> Bool { claimed.contains { $0.text == path } }
    }

    private struct State {
        var record = Record()
        var waiters: [(condition: @Sendable (Record) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
        var refusals: Int
        var known: Set<SettledDrop> = []
    }

    private let drop: String
    private let claims: String
    /// True: drops stay where they are, as with `then: keep`.
    private let keeps: Bool
    private let state: Mutex<State>

    init(drop: String, claims: String, keeps: Bool = false, refusals: Int = 0) {
        self.drop = drop
        self.claims = claims
        self.keeps = keeps
        state = Mutex(State(refusals: refusals))
    }

    var record: Record { state.withLock { $0.record } }

    /// Returns when the condition holds. The suites have a time limit, which is the deadline.
    func until(_ condition: @escaping @Sendable (Record) -> Bool) async {
        await withCheckedContinuation { continuation in
            let holds = state.withLock { state in
                if condition(state.record) { return true }
                state.waiters.append((condition, continuation))
                return false
            }
            if holds { continuation.resume() }
        }
    }

    func settled(_ drop: SettledDrop, in folder: Int) async -> ReceiverVerdict {
        let verdict = state.withLock { state -> ReceiverVerdict? in
            state.record.offered.append(drop)
            if state.refusals > 0 {
                state.refusals -= 1
                return .refused(retryAfter: .milliseconds(5))
            }
            guard keeps else { return nil }
            let isKnown = !state.known.insert(drop).inserted
            if !isKnown { state.record.claimed.append(drop.path) }
            return isKnown ? .known : .taken
        }
        if verdict == nil { claim(drop) }
        change { _ in }
        return verdict ?? .taken
    }

    func ignored(_ path: DropPath, reason: String, in folder: Int) async { change { $0.ignored[path, default: []].append(reason) } }

    func noticed(_ notice: WatchNotice, in folder: Int) async { change { $0.notices.append(notice) } }

    func swept(_ figures: SweepFigures, in folder: Int) async { change { $0.sweeps.append(figures) } }

    private func claim(_ drop: SettledDrop) {
        let number = state.withLock { $0.record.claimed.count }
        let from = Array(self.drop.utf8) + [UInt8(ascii: "/")] + drop.path.bytes + [0]
        let to = Array("\(claims)/\(number)".utf8) + [0]
        let isClaimed = from.withUnsafeBytes { from in
            to.withUnsafeBytes { to in
                rename(from.assumingMemoryBound(to: CChar.self).baseAddress!, to.assumingMemoryBound(to: CChar.self).baseAddress!)
            }
        }
        guard isClaimed == 0 else { return }
        if let marker = drop.marker { Scratch.remove("\(self.drop)/\(marker)") }
        state.withLock { state in
            state.record.claimed.append(drop.path)
            state.record.sizes[drop.path] = drop.identity.size
        }
    }

    private func change(_ change: (inout Record) -> Void) {
        let ready = state.withLock { state in
            change(&state.record)
            let record = state.record
            let ready = state.waiters.filter { $0.condition(record) }
            if !ready.isEmpty { state.waiters.removeAll { $0.condition(record) } }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }
}
