/// Decides when a plugin has been waited for long enough: times in, actions out.
package struct Vigil: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case ping
        /// The request is out of time.
        case cancel(Int)
        case giveUp(PluginLoss.Kind)
    }

    private struct Watched: Hashable, Sendable {
        let deadline: Duration?
        var cancelled: Duration?
    }

    /// What is too long from now on.
    package var silence: Duration
    private let cancelPatience: Duration
    private var lastSign: Duration
    private var hasPinged = false
    private var requests: [Int: Watched] = [:]

    package init(silence: Duration, cancelPatience: Duration, now: Duration) {
        self.silence = silence
        self.cancelPatience = cancelPatience
        lastSign = now
    }

    package var isIdle: Bool { requests.isEmpty }

    package mutating func heard(at now: Duration) {
        lastSign = now
        hasPinged = false
    }

    package mutating func opened(_ id: Int, deadline: Duration?, at now: Duration) {
        // A plugin that has nothing to do says nothing.
        if requests.isEmpty { heard(at: now) }
        requests[id] = Watched(deadline: deadline, cancelled: nil)
    }

    package mutating func closed(_ id: Int) { requests[id] = nil }

    /// - Returns: false when it was cancelled before, or is over.
    package mutating func cancelled(_ id: Int, at now: Duration) -> Bool {
        guard let request = requests[id], request.cancelled == nil else { return false }
        requests[id]?.cancelled = now
        return true
    }

    package mutating func actions(at now: Duration) -> [Action] {
        guard !requests.isEmpty else { return [] }
        if now - lastSign >= silence { return [.giveUp(.silent(for: silence))] }
        if requests.values.contains(where: { $0.cancelled.map { now - $0 >= cancelPatience } ?? false }) {
            return [.giveUp(.deaf(for: cancelPatience))]
        }
        var actions: [Action] = []
        for (id, request) in requests.sorted(by: { $0.key < $1.key }) {
            guard request.cancelled == nil, let deadline = request.deadline, now >= deadline else { continue }
            actions.append(.cancel(id))
        }
        if !hasPinged, now - lastSign >= silence / 2 {
            hasPinged = true
            actions.append(.ping)
        }
        return actions
    }
}
