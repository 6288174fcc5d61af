import PouchKit

/// A queued operation: what to do in the transaction, and how its ticket is redeemed.
struct Operation: Sendable {
    let name: JournalOperation
    /// What is tried, for messages: "record the attempt of delivery 7d…". Put into words only when it fails.
    let attempt: @Sendable () -> String
    /// Runs in a savepoint. What it returns is called after the commit.
    let perform: @Sendable (WriteSession) throws -> @Sendable () -> Void
    /// Called instead when the operation or its commit failed.
    let refuse: @Sendable (JournalFailure) -> Void
}

extension JournalFailure {
    /// The failure of this operation with the cause of that one.
    func during(_ attempt: String) -> JournalFailure { JournalFailure(kind, attempt: attempt, cause: cause, hint: hint) }
}
