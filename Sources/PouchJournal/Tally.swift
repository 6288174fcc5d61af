/// Changes of counters that a transaction has collected: many operations of a batch change the same few.
///
/// They are written once, before the commit. Nothing in a transaction may read a counter.
final class Tally {
    struct DeliveryKey: Hashable {
        let folder: Int64
        let partner: Int64
        let measure: Int64
    }

    struct FileKey: Hashable {
        let folder: Int64
        let measure: Int64
    }

    private(set) var deliveries: [DeliveryKey: Int64] = [:]
    private(set) var files: [FileKey: Int64] = [:]
    /// Of the operation that runs: they count when it succeeds.
    private var newDeliveries: [(DeliveryKey, Int64)] = []
    private var newFiles: [(FileKey, Int64)] = []

    func count(_ key: DeliveryKey, by difference: Int64) { newDeliveries.append((key, difference)) }

    func count(_ key: FileKey, by difference: Int64) { newFiles.append((key, difference)) }

    /// The operation succeeded.
    func keep() {
        for (key, difference) in newDeliveries { deliveries[key, default: 0] += difference }
        for (key, difference) in newFiles { files[key, default: 0] += difference }
        drop()
    }

    /// The operation was rolled back.
    func drop() {
        newDeliveries.removeAll(keepingCapacity: true)
        newFiles.removeAll(keepingCapacity: true)
    }
}
