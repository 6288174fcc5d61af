/// What the agent lends to one attempt at one delivery.
public struct DeliveryContext: Sendable {
    public let delivery: DeliveryID
    public let partner: PartnerName
    public let route: RouteName
    /// The name of the agent, for the far end's records.
    public let agent: String
    /// Frozen at admission. The adapter puts its own prefix before it and answers with what it really used (`Receipt.key`).
    public let key: DeliveryKey
    /// 1 for the first attempt. Attempts are recorded before they begin.
    public let attempt: Int
    /// May change while the delivery runs: ask it again between requests.
    public let budget: TransferBudget

    private let saving: @Sendable (Checkpoint) async throws(DeliveryFailure) -> Void
    private let durable: @Sendable () async throws(DeliveryFailure) -> Void
    private let progress: @Sendable (Int64) -> Void

    public init(
        delivery: DeliveryID,
        partner: PartnerName,
        route: RouteName,
        agent: String,
        key: DeliveryKey,
        attempt: Int,
        budget: TransferBudget,
        saving: @escaping @Sendable (Checkpoint) async throws(DeliveryFailure) -> Void,
        durable: @escaping @Sendable () async throws(DeliveryFailure) -> Void,
        progress: @escaping @Sendable (Int64) -> Void
    ) {
        self.delivery = delivery
        self.partner = partner
        self.route = route
        self.agent = agent
        self.key = key
        self.attempt = attempt
        self.budget = budget
        self.saving = saving
        self.durable = durable
        self.progress = progress
    }

    /// Stores the checkpoint; when it returns, it is on disk, and so are the delivery's id, key and attempt.
    ///
    /// Save before anything that the partner can see (a copy into the inbox, a rename at the far end), and say in it that
    /// this is about to happen: a later attempt then knows that the outcome is unknown and must be asked for.
    ///
    /// - Throws: `DeliveryFailure` with `.retry` when the journal cannot take it. Pass it on and touch nothing more.
    public func save(_ checkpoint: Checkpoint) async throws(DeliveryFailure) { try await saving(checkpoint) }

    /// Returns when the delivery's id, key and attempt are on disk. `save` includes it.
    ///
    /// - Throws: as `save`.
    public func barrier() async throws(DeliveryFailure) { try await durable() }

    /// Bytes of the file that were sent so far in this attempt; absolute, so that repeating it is harmless.
    public func report(bytesSent: Int64) { progress(bytesSent) }
}
