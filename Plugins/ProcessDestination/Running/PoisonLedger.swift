package import PouchKit

/// Finds the one file that a plugin dies of, so that the others flow: who was there when it died runs alone from then on, and who was alone
/// with it three times is given up.
package struct PoisonLedger: Hashable, Sendable {
    package static let mostDeaths = 3
    private static let mostKnown = 10_000

    package init() {}

    private var suspects: Set<DeliveryID> = []
    private var deaths: [DeliveryID: Int] = [:]

    package mutating func died(with running: Set<DeliveryID>) {
        if suspects.count + deaths.count > Self.mostKnown { self = PoisonLedger() }
        suspects.formUnion(running)
        if running.count == 1, let alone = running.first { deaths[alone, default: 0] += 1 }
    }

    package mutating func survived(_ delivery: DeliveryID) {
        suspects.remove(delivery)
        deaths[delivery] = nil
    }

    package func mustRunAlone(_ delivery: DeliveryID) -> Bool { suspects.contains(delivery) }

    package func isPoison(_ delivery: DeliveryID) -> Bool { deaths[delivery, default: 0] >= Self.mostDeaths }
}
