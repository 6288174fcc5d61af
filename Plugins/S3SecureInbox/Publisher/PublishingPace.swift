import PouchKit

/// How many consignments are published at once: fewer as soon as a service asks for a slower pace, more again while it does not.
/// A value; the time is an argument.
package struct PublishingPace: Hashable, Sendable {
    package let most: Int
    package private(set) var atOnce: Int
    /// Nothing new is taken before this, by `AgentClock.monotonic`.
    package private(set) var restsUntil: Duration = .zero
    private var successes = 0
    private var rests = 0

    private static let firstRest: Duration = .seconds(1)
    private static let longestRest: Duration = .seconds(60)

    package init(most: Int) {
        self.most = max(most, 1)
        atOnce = max(most, 1)
    }

    /// Several requests that were refused in one go count once.
    package mutating func throttled(asked: Duration?, at now: Duration) {
        guard now >= restsUntil else { return }
        atOnce = max(atOnce / 2, 1)
        successes = 0
        var rest = Self.firstRest
        for _ in 0..<rests where rest < Self.longestRest { rest *= 2 }
        rests += 1
        restsUntil = now + min(max(rest, asked ?? .zero), Self.longestRest)
    }

    package mutating func succeeded() {
        rests = 0
        guard atOnce < most else { return }
        successes += 1
        guard successes >= atOnce else { return }
        successes = 0
        atOnce += 1
    }
}
