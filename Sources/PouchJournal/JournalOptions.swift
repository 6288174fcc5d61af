package struct JournalOptions: Sendable {
    /// Called on the journal's thread after each commit, before its tickets are redeemed: what it is told is on disk, and
    /// nobody knows it yet. For tests that stop the agent at exact points.
    package var onCommit: (@Sendable (JournalCommit) -> Void)?
    /// Operations in one commit, at most. What waits longer goes into the next.
    package var largestBatch: Int
    /// Pages of 4 KiB that the database may have; `nil`: as many as the disk takes.
    package var largestDatabase: Int?

    package init(
        onCommit: (@Sendable (JournalCommit) -> Void)? = nil,
        largestBatch: Int = 512,
        largestDatabase: Int? = nil
    ) {
        self.onCommit = onCommit
        self.largestBatch = largestBatch
        self.largestDatabase = largestDatabase
    }
}

package struct JournalCommit: Hashable, Sendable {
    /// Counts the commits since the journal was opened; the first is 1.
    package let number: Int
    /// What was committed, in order. Operations that failed alone are not among them.
    package let operations: [JournalOperation]

    package init(number: Int, operations: [JournalOperation]) {
        self.number = number
        self.operations = operations
    }
}

package enum JournalOperation: String, Hashable, Sendable, Codable, CaseIterable {
    case admit, begin, save, record, complete, fail, finish, retake, relocate, hold, release, retry, written
    case continueChain, bringForward, forgetKept, prune, flush, confirm
}
