package import PouchJournal
package import PouchKit

/// Where everything is, for `pouch status` and whoever watches.
package struct AgentStatus: Sendable, Codable {
    package let version: Int
    /// True when a running agent said it; false when it was read from the journal alone.
    package let isRunning: Bool
    package let at: Timestamp
    package let journal: JournalSnapshot
    package let folders: [FolderStatus]
    package let lanes: [LaneStatus]
    package let running: [ProgressBoard.Entry]
    package let account: Account
    /// What hinders the agent as a whole: no space, no journal.
    package let troubles: [String]

    package init(
        isRunning: Bool,
        at: Timestamp,
        journal: JournalSnapshot,
        folders: [FolderStatus] = [],
        lanes: [LaneStatus] = [],
        running: [ProgressBoard.Entry] = [],
        account: Account = Account(),
        troubles: [String] = []
    ) {
        version = 1
        self.isRunning = isRunning
        self.at = at
        self.journal = journal
        self.folders = folders
        self.lanes = lanes
        self.running = running
        self.account = account
        self.troubles = troubles
    }

    /// What is neither delivered, nor on its way, nor held, nor quarantined. Always 0, or something is wrong that a person must see.
    package var unaccounted: Int { journal.total.unaccounted + account.total }
}

/// A watched folder as its last sweep found it.
package struct FolderStatus: Sendable, Codable {
    package let folder: String
    package let isThere: Bool
    package let sweptAt: Timestamp?
    package let files: Int
    package let unsettled: Int
    package let unmatched: Int
    package let ignored: [String: Int]
    package let notices: [String]

    package init(
        folder: String,
        isThere: Bool,
        sweptAt: Timestamp?,
        files: Int,
        unsettled: Int,
        unmatched: Int,
        ignored: [String: Int],
        notices: [String]
    ) {
        self.folder = folder
        self.isThere = isThere
        self.sweptAt = sweptAt
        self.files = files
        self.unsettled = unsettled
        self.unmatched = unmatched
        self.ignored = ignored
        self.notices = notices
    }
}

package struct LaneStatus: Sendable, Codable {
    package let partner: PartnerName
    package let hold: PartnerHold?
    /// "closed", "open for 12 s", "probing": why nothing goes out although nobody holds it.
    package let breaker: String
    /// `nil` where files leave as they are.
    package let seal: SealStatus?

    package init(partner: PartnerName, hold: PartnerHold?, breaker: String, seal: SealStatus? = nil) {
        self.partner = partner
        self.hold = hold
        self.breaker = breaker
        self.seal = seal
    }
}

/// The difference between what the journal says and what lies on disk, found by looking at both.
package struct Account: Hashable, Sendable, Codable {
    /// Claimed files that the journal does not know, and that could not be admitted.
    package var strangers: [String] = []
    /// Files that the journal has and that are not where they were claimed to.
    package var missing: [String] = []
    package var checkedAt: Timestamp?

    package init() {}

    package var total: Int { strangers.count + missing.count }
}
