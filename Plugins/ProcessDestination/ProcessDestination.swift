package import PouchKit

/// Delivers through a program that others wrote: a child process that speaks `pouch-plugin/1` (docs/plugin-protocol.md).
///
/// What the plugin says is checked against what was sent: it can fail to deliver, and it cannot make the agent believe that it did.
package struct ProcessDestination: Destination {
    package let traits: DestinationTraits
    let plan: PluginPlan
    let patience: Patience
    let keeper: PluginKeeper

    package init(
        _ plan: PluginPlan, patience: Patience = Patience(), clock: any AgentClock = SystemClock(),
        interference: PluginInterference? = nil
    ) {
        self.plan = plan
        self.patience = patience
        keeper = PluginKeeper(plan: plan, patience: patience, clock: clock, interference: interference)
        traits = DestinationTraits(
            adapter: AdapterName(unchecked: "process"),
            stages: [DestinationTraits.Stage(name: .place, identity: nil, place: plan.place)],
            target: plan.target,
            largestFile: plan.manifest.largestFile?.bytes,
            handsOver: plan.manifest.handsOver ?? false
        )
    }

    package func deliver(
        _ file: OutgoingFile,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        let delivery = ProcessDelivery(file: file, context: context, plan: plan, keeper: keeper, patience: patience)
        return try await delivery.run(from: checkpoint)
    }

    /// Asks the plugin to clean up. One that cannot leaves what its delivery left: the next attempt at it would write over it.
    package func abandon(_ checkpoint: Checkpoint) async {
        guard let saved = SavedProgress(checkpoint), checkpoint.target == traits.target else { return }
        await abandon(saved.delivery, saved.data)
    }

    /// Gives up a delivery that the plugin never saw: for its conformance test.
    package func abandonUnknown(_ delivery: DeliveryID) async { await abandon(delivery, "") }

    private func abandon(_ delivery: DeliveryID, _ data: String) async {
        do {
            try await keeper.gate.enter()
            defer { keeper.gate.leave() }
            let link = try await keeper.link(for: "")
            let request = link.open(.abandon(delivery: delivery, checkpoint: data), within: patience.answer)
            defer { request.close() }
            _ = try await request.reply()
        } catch {
            // Nothing depends on it.
        }
    }

    /// The number of the plugin's process, where it runs: for tests, which kill it.
    package var processNumber: Int32? {
        get async { await keeper.current?.processNumber }
    }
}
