/// Where a delivery is. `storing` and `publishing` name the stage that runs now.
public enum DeliveryState: String, Hashable, Sendable, Codable, CaseIterable {
    case waiting, storing, stored, publishing, delivered, held, quarantined

    /// Nothing more happens by itself.
    public var isFinal: Bool { self == .delivered || self == .quarantined }
}
