import PouchKit

/// Delivery states as numbers in the database: the worse, the larger, so that the worst of a file is a maximum. The partial
/// indexes of the schema spell these numbers out.
enum StateCode {
    static func code(of state: DeliveryState) -> Int64 {
        switch state {
        case .delivered: 0
        case .waiting: 1
        case .storing: 2
        case .stored: 3
        case .publishing: 4
        case .held: 5
        case .quarantined: 6
        }
    }

    static func state(of code: Int64) -> DeliveryState? {
        switch code {
        case 0: .delivered
        case 1: .waiting
        case 2: .storing
        case 3: .stored
        case 4: .publishing
        case 5: .held
        case 6: .quarantined
        default: nil
        }
    }

    /// Counted beside the states.
    static let retried: Int64 = 7
    static let admitted: Int64 = 8
}

/// What a file counts as: the worst of its deliveries.
enum FileStanding: Int64 {
    case delivered = 0
    case onTheWay = 1
    case held = 5
    case quarantined = 6
    case unmatched = 9

    init(worst state: DeliveryState?) {
        switch state {
        case nil: self = .unmatched
        case .delivered: self = .delivered
        case .waiting, .storing, .stored, .publishing: self = .onTheWay
        case .held: self = .held
        case .quarantined: self = .quarantined
        }
    }

    /// Counted beside the standings.
    static let admitted: Int64 = 8
}
