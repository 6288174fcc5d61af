package import PouchKit

/// The state of everything, from counters that the operations keep: its cost does not grow with the queue.
package struct JournalSnapshot: Hashable, Sendable, Codable {
    package let at: Timestamp
    package let agent: String
    package let total: DeliveryCounts
    package let partners: [PartnerSummary]
    package let folders: [FolderSummary]
    package let heldPartners: [HeldPartner]
    /// The newest first.
    package let lastDelivered: [DeliverySummary]
    /// Those that wait for a person, the oldest first, at most a hundred.
    package let held: [DeliverySummary]
    /// Those that were not tried again, the oldest first, at most a hundred.
    package let quarantined: [DeliverySummary]
    /// Where the manifest goes on, and how many of its lines are not in its file yet.
    package let manifest: ManifestPosition
    package let unwrittenLines: Int

    package init(
        at: Timestamp,
        agent: String,
        total: DeliveryCounts,
        partners: [PartnerSummary],
        folders: [FolderSummary],
        heldPartners: [HeldPartner],
        lastDelivered: [DeliverySummary],
        held: [DeliverySummary],
        quarantined: [DeliverySummary],
        manifest: ManifestPosition,
        unwrittenLines: Int
    ) {
        self.at = at
        self.agent = agent
        self.total = total
        self.partners = partners
        self.folders = folders
        self.heldPartners = heldPartners
        self.lastDelivered = lastDelivered
        self.held = held
        self.quarantined = quarantined
        self.manifest = manifest
        self.unwrittenLines = unwrittenLines
    }
}

/// Deliveries by state. All counts are of the whole life of the journal.
package struct DeliveryCounts: Hashable, Sendable, Codable {
    package var admitted = 0
    package var waiting = 0
    package var storing = 0
    package var stored = 0
    package var publishing = 0
    package var delivered = 0
    package var held = 0
    package var quarantined = 0
    /// How many of the quarantined were tried again under a new id.
    package var retried = 0

    package init() {}

    /// On their way: waiting for an attempt or in one.
    package var onTheWay: Int { waiting + storing + stored + publishing }

    /// Admitted, and in no state: a fault of ours. Always 0.
    package var unaccounted: Int { admitted - delivered - onTheWay - held - quarantined }
}

package struct PartnerSummary: Hashable, Sendable, Codable {
    package let partner: PartnerName
    package let counts: DeliveryCounts
    /// When the oldest delivery that is on its way was admitted.
    package let oldestWaiting: Timestamp?
    /// When the next attempt is due; a time that is past means now.
    package let nextAttempt: Timestamp?
    /// Of those that failed and are tried again, the one whose turn comes first.
    package let retrying: DeliverySummary?

    package init(
        partner: PartnerName, counts: DeliveryCounts, oldestWaiting: Timestamp?, nextAttempt: Timestamp?,
        retrying: DeliverySummary? = nil
    ) {
        self.partner = partner
        self.counts = counts
        self.oldestWaiting = oldestWaiting
        self.nextAttempt = nextAttempt
        self.retrying = retrying
    }
}

/// Files by the worst state of their deliveries.
package struct FileCounts: Hashable, Sendable, Codable {
    package var admitted = 0
    package var onTheWay = 0
    package var delivered = 0
    package var held = 0
    package var quarantined = 0
    /// Taken although no route wanted them.
    package var unmatched = 0

    package init() {}

    /// Admitted, and in no state: a fault of ours. Always 0.
    package var unaccounted: Int { admitted - delivered - onTheWay - held - quarantined - unmatched }
}

package struct FolderSummary: Hashable, Sendable, Codable {
    package let folder: String
    package let files: FileCounts
    package let deliveries: DeliveryCounts

    package init(folder: String, files: FileCounts, deliveries: DeliveryCounts) {
        self.folder = folder
        self.files = files
        self.deliveries = deliveries
    }
}

/// One delivery in a list.
package struct DeliverySummary: Hashable, Sendable, Codable {
    package let sequence: Int64
    package let id: DeliveryID
    package let partner: PartnerName
    package let route: RouteName
    package let folder: String
    /// Made safe to print.
    package let path: String
    package let size: Int64
    package let key: DeliveryKey
    package let state: DeliveryState
    package let attempts: Int
    /// When it ended; `nil` while it has not.
    package let ended: Timestamp?
    package let failure: RecordedFailure?

    package init(
        sequence: Int64,
        id: DeliveryID,
        partner: PartnerName,
        route: RouteName,
        folder: String,
        path: String,
        size: Int64,
        key: DeliveryKey,
        state: DeliveryState,
        attempts: Int,
        ended: Timestamp?,
        failure: RecordedFailure?
    ) {
        self.sequence = sequence
        self.id = id
        self.partner = partner
        self.route = route
        self.folder = folder
        self.path = path
        self.size = size
        self.key = key
        self.state = state
        self.attempts = attempts
        self.ended = ended
        self.failure = failure
    }
}
