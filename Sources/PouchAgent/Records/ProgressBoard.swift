package import PouchKit
import Synchronization

/// How far the deliveries that run now have come. Memory only: it is for people, and worth nothing after a restart.
package final class ProgressBoard: Sendable {
    package struct Entry: Hashable, Sendable, Codable {
        package let delivery: DeliveryID
        package let partner: PartnerName
        package let path: String
        /// Of the sealed file once there is one.
        package var size: Int64
        package var sent: Int64
        /// Bytes that are sealed, before anything is sent; `nil` when it is not, or not any more, being sealed.
        package var sealed: Int64?
        package let began: Timestamp

        package init(
            delivery: DeliveryID, partner: PartnerName, path: String, size: Int64, sent: Int64, sealed: Int64? = nil,
            began: Timestamp
        ) {
            self.delivery = delivery
            self.partner = partner
            self.path = path
            self.size = size
            self.sent = sent
            self.sealed = sealed
            self.began = began
        }
    }

    private let entries = Mutex<[DeliveryID: Entry]>([:])

    package init() {}

    package func began(_ entry: Entry) { entries.withLock { $0[entry.delivery] = entry } }

    package func sent(_ bytes: Int64, of delivery: DeliveryID) { entries.withLock { $0[delivery]?.sent = bytes } }

    package func sealed(_ bytes: Int64, of delivery: DeliveryID) { entries.withLock { $0[delivery]?.sealed = bytes } }

    /// The sealed file is made; from now on it is what is sent.
    package func sending(_ size: Int64, of delivery: DeliveryID) {
        entries.withLock { entries in
            entries[delivery]?.size = size
            entries[delivery]?.sealed = nil
        }
    }

    package func ended(_ delivery: DeliveryID) { entries.withLock { _ = $0.removeValue(forKey: delivery) } }

    package var running: [Entry] { entries.withLock { $0.values.sorted { $0.began < $1.began } } }

    package func progress(of delivery: DeliveryID) -> Entry? { entries.withLock { $0[delivery] } }
}
