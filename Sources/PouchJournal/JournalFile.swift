package import PouchKit

/// A file that was admitted.
package struct JournalFile: Hashable, Sendable {
    /// Increases with every admission.
    package let id: Int64
    /// The watched folder, as configured.
    package let folder: String
    package let path: DropPath
    package let identity: FileIdentity
    package let claim: ClaimRecord
    /// The folder's `then`, as it was given at admission.
    package let afterwards: String
    package let admitted: Timestamp
    /// `nil` until the file was read once.
    package let digests: FileDigests?
    /// When the source had been disposed of; `nil` while it is ours to look after.
    package let finished: Timestamp?

    package init(
        id: Int64,
        folder: String,
        path: DropPath,
        identity: FileIdentity,
        claim: ClaimRecord,
        afterwards: String,
        admitted: Timestamp,
        digests: FileDigests?,
        finished: Timestamp?
    ) {
        self.id = id
        self.folder = folder
        self.path = path
        self.identity = identity
        self.claim = claim
        self.afterwards = afterwards
        self.admitted = admitted
        self.digests = digests
        self.finished = finished
    }
}

/// How far the deliveries of a file are, after a change.
package struct FileProgress: Hashable, Sendable {
    package let file: JournalFile
    /// Of all deliveries of the file that count, in order of admission. One that was quarantined and then tried again under
    /// a new id counts no more.
    package let states: [DeliveryState]

    package init(file: JournalFile, states: [DeliveryState]) {
        self.file = file
        self.states = states
    }

    /// Every delivery is delivered or quarantined: the source can be disposed of.
    package var isFinished: Bool { states.allSatisfy(\.isFinal) }
}

/// A delivery that something is left to do for.
package struct PendingDelivery: Hashable, Sendable {
    /// Increases with every admission.
    package let sequence: Int64
    package let id: DeliveryID
    package let file: JournalFile
    package let partner: PartnerName
    package let route: RouteName
    package let key: DeliveryKey
    package let target: TargetFingerprint?
    package let state: DeliveryState
    /// Attempts that were begun so far.
    package let attempts: Int
    package let checkpoint: Checkpoint?
    /// The delivery that this one takes up again.
    package let retries: DeliveryID?
    /// Not to be tried before; `nil`: as soon as there is room for it, or not by itself (held, quarantined).
    package let notBefore: Timestamp?
    /// What the last attempt ended with.
    package let failure: RecordedFailure?
    /// What the file was sealed into; every attempt delivers these very bytes. `nil` until it was sealed, and for good where the partner
    /// gets the file as it is.
    package let seal: SealRecord?

    package init(
        sequence: Int64,
        id: DeliveryID,
        file: JournalFile,
        partner: PartnerName,
        route: RouteName,
        key: DeliveryKey,
        target: TargetFingerprint?,
        state: DeliveryState,
        attempts: Int,
        checkpoint: Checkpoint?,
        retries: DeliveryID?,
        notBefore: Timestamp?,
        failure: RecordedFailure?,
        seal: SealRecord? = nil
    ) {
        self.sequence = sequence
        self.id = id
        self.file = file
        self.partner = partner
        self.route = route
        self.key = key
        self.target = target
        self.state = state
        self.attempts = attempts
        self.checkpoint = checkpoint
        self.retries = retries
        self.notBefore = notBefore
        self.failure = failure
        self.seal = seal
    }
}

/// A failure as the journal keeps it.
package struct RecordedFailure: Hashable, Sendable, Codable {
    package let at: Timestamp
    package let code: String
    package let attempt: String
    package let cause: String
    package let hint: String?

    package init(at: Timestamp, code: String, attempt: String, cause: String, hint: String?) {
        self.at = at
        self.code = code
        self.attempt = attempt
        self.cause = cause
        self.hint = hint
    }
}

/// A partner that waits for a person.
package struct HeldPartner: Hashable, Sendable, Codable {
    package let partner: PartnerName
    package let code: String
    package let reason: String
    package let since: Timestamp

    package init(partner: PartnerName, code: String, reason: String, since: Timestamp) {
        self.partner = partner
        self.code = code
        self.reason = reason
        self.since = since
    }
}
