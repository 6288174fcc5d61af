package import PouchKit

/// What comes after a failed attempt.
package enum AfterFailure: Sendable {
    /// Again, but not before this time.
    case retry(at: Timestamp)
    /// A person must act.
    case held
    /// Never again under this id; the entry in the manifest is made in the same transaction.
    case quarantined(entry: EntryWriter)
}

/// What `Journal.retry` did.
package enum RetryOutcome: Hashable, Sendable {
    /// The held delivery waits again, under its own id.
    case waitingAgain(FileProgress)
    /// The quarantined delivery stays what it is, and a new one with `retries` waits. The file is open again if it was
    /// finished.
    case newDelivery(DeliveryID, FileProgress)
}

/// What `Journal.release` did.
package struct Release: Hashable, Sendable, Codable {
    /// False when the partner was not held; its held deliveries wait again all the same.
    package let wasHeld: Bool
    /// Deliveries that wait again.
    package let deliveries: Int

    package init(wasHeld: Bool, deliveries: Int) {
        self.wasHeld = wasHeld
        self.deliveries = deliveries
    }
}
