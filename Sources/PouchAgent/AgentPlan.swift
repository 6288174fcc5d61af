package import PouchConfiguration
package import PouchKit
package import PouchRouting
package import PouchWatch

/// Everything that one run of the agent works by, checked: made from agent.yaml by whoever knows the adapters.
package struct AgentPlan: Sendable {
    package let name: String
    /// Absolute path of the state folder.
    package let state: String
    package let folders: [FolderPlan]
    package let router: Router
    package let partners: [PartnerPlan]
    package let unmatched: UnmatchedPolicy
    /// The command that is run when somebody must act; empty when there is none.
    package let alertCommand: [String]
    /// How long running deliveries may go on after a stop was asked for.
    package let drainLimit: Duration

    package init(
        name: String,
        state: String,
        folders: [FolderPlan],
        router: Router,
        partners: [PartnerPlan],
        unmatched: UnmatchedPolicy,
        alertCommand: [String] = [],
        drainLimit: Duration = .seconds(8)
    ) {
        self.name = name
        self.state = state
        self.folders = folders
        self.router = router
        self.partners = partners
        self.unmatched = unmatched
        self.alertCommand = alertCommand
        self.drainLimit = drainLimit
    }
}

package struct FolderPlan: Sendable {
    package let watched: WatchedFolder
    package let afterwards: Afterwards

    package init(watched: WatchedFolder, afterwards: Afterwards) {
        self.watched = watched
        self.afterwards = afterwards
    }
}

/// What becomes of a file when its last delivery is done.
package enum Afterwards: Hashable, Sendable, Codable {
    /// `keepFor` in seconds; `nil`: for ever.
    case archive(folder: String, keepFor: Int64?)
    case delete
    /// The source is never touched: no claim, the file is delivered from where it lies.
    case keep
}

package struct PartnerPlan: Sendable {
    package let name: PartnerName
    package let destination: any Destination
    package let limits: TransferBudget.Limits
    /// `nil`: its files leave as they are.
    package let seal: SealPlan?
    /// Where word comes of what was handed over; `nil`: nowhere.
    package let receipts: (any ReceiptShelf)?
    /// Two plans with the same one were made of the same settings; `nil`: nobody knows.
    package let settings: SHA256Digest?

    package init(
        name: PartnerName,
        destination: any Destination,
        limits: TransferBudget.Limits,
        seal: SealPlan? = nil,
        receipts: (any ReceiptShelf)? = nil,
        settings: SHA256Digest? = nil
    ) {
        self.settings = settings
        self.name = name
        self.destination = destination
        self.limits = limits
        self.seal = seal
        self.receipts = receipts
    }
}
