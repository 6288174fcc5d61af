/// What was found when the journal was opened.
package struct OpeningReport: Hashable, Sendable {
    /// A database that could not be trusted any more.
    package struct Damage: Hashable, Sendable {
        /// What SQLite said about it.
        package let cause: String
        /// Where it lies now, with its `-wal` beside it.
        package let keptAt: String

        package init(cause: String, keptAt: String) {
            self.cause = cause
            self.keptAt = keptAt
        }
    }

    package let path: String
    /// True for a journal that began with this opening: there was none, or it was damaged.
    package let isNew: Bool
    /// The journal that was kept aside. Claims found on disk must be admitted again, and the manifest's chain be continued
    /// from its file (`Journal.continueChain`).
    package let damage: Damage?
    /// False after a crash: the database was looked through before it was used.
    package let wasClosedCleanly: Bool
    /// Deliveries that were in an attempt when the agent stopped, and wait again now.
    package let interrupted: Int
    /// The name of the agent that used the journal last, where it was another one.
    package let formerAgent: String?

    package init(path: String, isNew: Bool, damage: Damage?, wasClosedCleanly: Bool, interrupted: Int, formerAgent: String?) {
        self.path = path
        self.isNew = isNew
        self.damage = damage
        self.wasClosedCleanly = wasClosedCleanly
        self.interrupted = interrupted
        self.formerAgent = formerAgent
    }
}
