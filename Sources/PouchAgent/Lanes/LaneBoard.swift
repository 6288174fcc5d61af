import PouchJournal
import PouchKit

/// All lanes by partner. Partners that are gone from the configuration have no lane: their deliveries wait in the journal, held.
final class LaneBoard: Sendable {
    let lanes: [PartnerName: Lane]

    init(_ lanes: [Lane]) { self.lanes = Dictionary(uniqueKeysWithValues: lanes.map { ($0.partner.name, $0) }) }

    subscript(partner: PartnerName) -> Lane? { lanes[partner] }

    /// Something new waits in the journal for the partner.
    func noteBacklog(of partner: PartnerName) { lanes[partner]?.noteBacklog() }

    func noteBacklog() { for lane in lanes.values { lane.noteBacklog() } }

    func stop() { for lane in lanes.values { lane.stop() } }
}
