import PouchJournal
import PouchKit

/// SplitMix64: the same seed gives the same test.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// What the journal should be, kept in memory in the plainest way.
struct JournalModel {
    struct Delivery {
        let id: DeliveryID
        let file: Int
        let partner: PartnerName
        var state = DeliveryState.waiting
        /// `nil` while an attempt runs or nothing happens by itself; 0 for at once.
        var due: Int64? = 0
        var attempts = 0
        var checkpoint: Checkpoint?
        var wasRetried = false
        var retries: DeliveryID?
    }

    struct File {
        let folder: String
        var isFinished = false
    }

    var deliveries: [Delivery] = []
    var files: [File] = []
    var held: Set<PartnerName> = []
    var lines = 0

    // MARK: Operations; each answers with the kind of failure that is expected.

    mutating func admit(_ folder: String, _ planned: [(id: DeliveryID, partner: PartnerName, state: DeliveryState)]) {
        files.append(File(folder: folder))
        for (id, partner, state) in planned {
            var delivery = Delivery(id: id, file: files.count - 1, partner: partner)
            delivery.state = state
            delivery.due = state == .waiting ? 0 : nil
            if state == .quarantined { lines += 1 }
            deliveries.append(delivery)
        }
    }

    mutating func begin(_ index: Int, attempt: Int, stage: DeliveryState) -> JournalFailure.Kind? {
        guard isOnTheWay(index) else { return .outOfPlace }
        deliveries[index].state = stage
        deliveries[index].due = nil
        deliveries[index].attempts = attempt
        return nil
    }

    mutating func save(_ index: Int, _ checkpoint: Checkpoint, state: DeliveryState) -> JournalFailure.Kind? {
        guard isOnTheWay(index) else { return .outOfPlace }
        if deliveries[index].state != state { deliveries[index].due = nil }
        deliveries[index].state = state
        deliveries[index].checkpoint = checkpoint
        return nil
    }

    mutating func complete(_ index: Int) -> JournalFailure.Kind? {
        if deliveries[index].state == .delivered { return nil }
        if deliveries[index].state == .quarantined { return .outOfPlace }
        end(index, .delivered)
        return nil
    }

    mutating func quarantine(_ index: Int) -> JournalFailure.Kind? {
        if deliveries[index].state == .quarantined { return nil }
        if deliveries[index].state == .delivered { return .outOfPlace }
        end(index, .quarantined)
        return nil
    }

    mutating func hold(_ index: Int) -> JournalFailure.Kind? {
        if deliveries[index].state.isFinal { return .outOfPlace }
        deliveries[index].state = .held
        deliveries[index].due = nil
        return nil
    }

    mutating func retryLater(_ index: Int, at time: Timestamp) -> JournalFailure.Kind? {
        let state = deliveries[index].state
        if state.isFinal { return .outOfPlace }
        deliveries[index].state = state == .stored || state == .publishing ? .stored : .waiting
        deliveries[index].due = time.nanoseconds
        return nil
    }

    mutating func release(_ partner: PartnerName) -> Release {
        var count = 0
        for index in deliveries.indices where deliveries[index].partner == partner && deliveries[index].state == .held {
            deliveries[index].state = .waiting
            deliveries[index].due = 0
            count += 1
        }
        return Release(wasHeld: held.remove(partner) != nil, deliveries: count)
    }

    mutating func retry(_ index: Int, as new: DeliveryID) -> JournalFailure.Kind? {
        switch deliveries[index].state {
        case .held:
            deliveries[index].state = .waiting
            deliveries[index].due = 0
        case .quarantined:
            if deliveries[index].wasRetried { return .outOfPlace }
            deliveries[index].wasRetried = true
            var renewed = Delivery(id: new, file: deliveries[index].file, partner: deliveries[index].partner)
            renewed.retries = deliveries[index].id
            deliveries.append(renewed)
            files[renewed.file].isFinished = false
        default: return .outOfPlace
        }
        return nil
    }

    mutating func retake(_ file: Int) {
        for index in deliveries.indices where deliveries[index].file == file && isOnTheWay(index) {
            deliveries[index].state = .waiting
            deliveries[index].due = 0
            deliveries[index].checkpoint = nil
        }
    }

    mutating func finish(_ file: Int) -> JournalFailure.Kind? {
        if files[file].isFinished { return nil }
        guard counting(file).allSatisfy(\.state.isFinal) else { return .outOfPlace }
        files[file].isFinished = true
        return nil
    }

    /// The agent was killed and started again.
    mutating func restart() {
        for index in deliveries.indices where isOnTheWay(index) && deliveries[index].due == nil {
            let state = deliveries[index].state
            deliveries[index].state = state == .stored || state == .publishing ? .stored : .waiting
            deliveries[index].due = 0
        }
    }

    // MARK: What the journal should answer

    func counting(_ file: Int) -> [Delivery] { deliveries.filter { $0.file == file && !$0.wasRetried } }

    func count(_ state: DeliveryState, _ partner: PartnerName) -> Int {
        deliveries.count { $0.state == state && $0.partner == partner }
    }

    func due(_ partner: PartnerName, now: Timestamp) -> [DeliveryID] {
        deliveries.filter { delivery in delivery.partner == partner && delivery.due.map { $0 <= now.nanoseconds } == true }.map(
            \.id)
    }

    func isOnTheWay(_ index: Int) -> Bool {
        switch deliveries[index].state {
        case .waiting, .storing, .stored, .publishing: true
        case .delivered, .held, .quarantined: false
        }
    }

    private mutating func end(_ index: Int, _ state: DeliveryState) {
        deliveries[index].state = state
        deliveries[index].due = nil
        deliveries[index].checkpoint = nil
        lines += 1
    }
}
