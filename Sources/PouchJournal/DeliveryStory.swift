package import PouchKit

/// Everything that happened to one delivery.
package struct DeliveryStory: Hashable, Sendable, Codable {
    package let summary: DeliverySummary
    /// The path's own bytes in base64, where they are not UTF-8.
    package let pathBytes: String?
    package let admitted: Timestamp
    package let digests: FileDigests?
    /// What the partner gets instead of the file.
    package let seal: SealRecord?
    package let retries: DeliveryID?
    package let retriedBy: DeliveryID?
    package let nextAttempt: Timestamp?
    package let checkpointStage: StageName?
    package let receipt: Receipt?
    /// The line of the manifest that records the end.
    package let manifestSequence: Int64?
    /// In the order in which they happened.
    package let events: [StoryEvent]

    package init(
        summary: DeliverySummary,
        pathBytes: String?,
        admitted: Timestamp,
        digests: FileDigests?,
        seal: SealRecord? = nil,
        retries: DeliveryID?,
        retriedBy: DeliveryID?,
        nextAttempt: Timestamp?,
        checkpointStage: StageName?,
        receipt: Receipt?,
        manifestSequence: Int64?,
        events: [StoryEvent]
    ) {
        self.summary = summary
        self.pathBytes = pathBytes
        self.admitted = admitted
        self.digests = digests
        self.seal = seal
        self.retries = retries
        self.retriedBy = retriedBy
        self.nextAttempt = nextAttempt
        self.checkpointStage = checkpointStage
        self.receipt = receipt
        self.manifestSequence = manifestSequence
        self.events = events
    }
}

package struct StoryEvent: Hashable, Sendable, Codable {
    package enum Kind: Int, Hashable, Sendable, Codable, CaseIterable {
        case admitted = 0
        case began = 1
        case reached = 2
        case delivered = 3
        case failed = 4
        case held = 5
        case quarantined = 6
        case released = 7
        case retried = 8
        case sourceChanged = 9
        case interrupted = 10
        case moved = 11
        case finished = 12
        case sealed = 13
    }

    package let at: Timestamp
    package let kind: Kind
    /// What a person wants to know about it: the attempt, the stage, the cause.
    package let detail: String

    package init(at: Timestamp, kind: Kind, detail: String) {
        self.at = at
        self.kind = kind
        self.detail = detail
    }
}
