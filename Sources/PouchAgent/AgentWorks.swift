import Logging
import PouchFiles
import PouchJournal
import PouchKit
import PouchWatch

/// What an agent keeps whatever its configuration says, and what is made with it of one reading of the configuration.
struct AgentWorks: Sendable {
    let agent: String
    let journal: Journal
    let claimed: ClaimedFolders
    let returned: ReturnedDrops
    let alerts: AlertBell
    let board: ProgressBoard
    let closer: FileCloser
    let outbox: ManifestOutbox
    let endings: DeliveryEndings
    let shelf: SourceShelf
    let spool: SealedSpool
    let heartbeats: Heartbeats
    let clock: any AgentClock
    let logger: Logger

    func lane(to partner: PartnerPlan, hold: PartnerHold?) -> Lane {
        Lane(
            hold: hold,
            pipeline: pipeline(to: partner, within: TransferBudget(partner.limits)),
            journal: journal,
            clock: clock,
            logger: logger,
            endings: endings,
            heartbeats: heartbeats
        )
    }

    func pipeline(to partner: PartnerPlan, within budget: TransferBudget) -> DeliveryPipeline {
        let reading = BlockingExecutor(name: "lane-\(partner.name)", threads: min(4, max(1, partner.limits.atOnce)))
        return DeliveryPipeline(
            agent: agent,
            partner: partner,
            journal: journal,
            sources: shelf,
            sealing: DeliverySealing(
                partner: partner.name, plan: partner.seal, spool: spool, journal: journal, sources: shelf, reading: reading,
                clock: clock, board: board, logger: logger
            ),
            reading: reading,
            clock: clock,
            board: board,
            budget: budget,
            lifecycle: DeliveryLifecycle(),
            logger: logger
        )
    }

    /// - Parameter former: The intake whose place the new one takes, and which takes nothing any more.
    func entrance(for plan: AgentPlan, lanes: LaneBoard, after former: Intake? = nil) -> Entrance {
        let intake = Intake(
            folders: plan.folders,
            unmatched: plan.unmatched,
            desk: AdmissionDesk(
                agent: plan.name,
                router: plan.router,
                partners: Dictionary(uniqueKeysWithValues: plan.partners.map { ($0.name, $0) })
            ),
            claimed: claimed,
            journal: journal,
            lanes: lanes,
            closer: closer,
            outbox: outbox,
            returned: returned,
            clock: clock,
            alerts: alerts,
            logger: logger,
            after: former?.legacy
        )
        let watcher = DropWatcher(
            folders: plan.folders.map(\.watched), clock: clock, receiver: intake, logger: logger, heartbeats: heartbeats)
        return Entrance(plan: plan, intake: intake, watcher: watcher)
    }
}
