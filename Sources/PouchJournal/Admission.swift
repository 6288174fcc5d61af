package import PouchKit

/// Where a file lies since it was taken.
package struct ClaimRecord: Hashable, Sendable, Codable {
    /// Unique among all claims of this agent, for ever.
    package let id: String
    /// The absolute folder of the claim root.
    package let root: String
    /// True for `then: keep`: the file stays where it was dropped.
    package let inPlace: Bool

    package init(id: String, root: String, inPlace: Bool) {
        self.id = id
        self.root = root
        self.inPlace = inPlace
    }
}

/// A settled drop that was taken, with everything that is frozen at that moment.
package struct Admission: Sendable {
    /// The watched folder, as configured.
    package let folder: String
    package let path: DropPath
    package let identity: FileIdentity
    package let claim: ClaimRecord
    /// What becomes of the source in the end: the folder's `then`, in the agent's own form (JSON).
    package let afterwards: String
    package let at: Timestamp
    /// Empty for a drop that no route takes and that was taken nevertheless (`unmatched: quarantine`).
    package let deliveries: [AdmittedDelivery]

    package init(
        folder: String,
        path: DropPath,
        identity: FileIdentity,
        claim: ClaimRecord,
        afterwards: String,
        at: Timestamp,
        deliveries: [AdmittedDelivery]
    ) {
        self.folder = folder
        self.path = path
        self.identity = identity
        self.claim = claim
        self.afterwards = afterwards
        self.at = at
        self.deliveries = deliveries
    }
}

/// One delivery of an admission.
package struct AdmittedDelivery: Sendable {
    package enum Start: Sendable {
        case waiting
        case held(code: String, reason: String)
        /// It can never be delivered; its entry in the manifest is made in the same transaction.
        case quarantined(DeliveryFailure, entry: EntryWriter)
    }

    package let id: DeliveryID
    package let partner: PartnerName
    package let route: RouteName
    package let key: DeliveryKey
    package let target: TargetFingerprint?
    package let start: Start

    package init(
        id: DeliveryID,
        partner: PartnerName,
        route: RouteName,
        key: DeliveryKey,
        target: TargetFingerprint?,
        start: Start = .waiting
    ) {
        self.id = id
        self.partner = partner
        self.route = route
        self.key = key
        self.target = target
        self.start = start
    }
}

/// What became of an admission.
package enum AdmissionOutcome: Hashable, Sendable {
    case admitted(file: Int64)
    /// The claim had been admitted before; nothing was changed, and the deliveries are those of the first admission.
    case known(file: Int64)
}
