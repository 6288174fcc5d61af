extension DeliveryKey {
    /// The key of a delivery that can have none: its own id, so that the records have something to name.
    public static func standIn(for delivery: DeliveryID) -> DeliveryKey { DeliveryKey(unchecked: delivery.description) }
}
