import DequeModule
package import PouchJournal
package import PouchKit

/// What a lane has in its hands: a bounded piece of the partner's queue. The rest lies in the journal, which is where the order is.
///
/// A value: the lane asks it, the journal fills it.
package struct LaneQueue: Sendable {
    /// Deliveries in memory at most, whatever waits in the journal.
    package static let capacity = 512

    private var ready: Deque<PendingDelivery> = []
    /// In `ready` or running.
    private var inHand: Set<DeliveryID> = []
    /// Ended while the journal was being read: that reading may still show them as waiting.
    private var endedWhileReading: Set<DeliveryID> = []
    private var isReading = false
    /// There may be more in the journal that is due.
    package private(set) var hasBacklog = true
    /// When the journal's next delivery is due, on the monotonic clock.
    package private(set) var nextDue: Duration?

    package init() {}

    package mutating func noteBacklog() { hasBacklog = true }

    package mutating func noteDue(at time: Duration) { nextDue = nextDue.map { min($0, time) } ?? time }

    package mutating func next() -> PendingDelivery? { ready.popFirst() }

    /// What was taken with `next` has ended.
    package mutating func ended(_ id: DeliveryID) {
        inHand.remove(id)
        if isReading { endedWhileReading.insert(id) }
    }

    package mutating func willRead() {
        isReading = true
        hasBacklog = false
        nextDue = nil
        endedWhileReading = []
    }

    /// - Parameters:
    ///   - wasCut: the journal had more than it gave.
    ///   - due: when the first of those that wait longer is due.
    package mutating func didRead(_ deliveries: [PendingDelivery], wasCut: Bool, nextDue due: Duration?) {
        isReading = false
        for delivery in deliveries where !endedWhileReading.contains(delivery.id) && inHand.insert(delivery.id).inserted {
            ready.append(delivery)
        }
        endedWhileReading = []
        if wasCut { hasBacklog = true }
        if let due { noteDue(at: due) }
    }

    package mutating func didNotRead() {
        isReading = false
        hasBacklog = true
    }
}
