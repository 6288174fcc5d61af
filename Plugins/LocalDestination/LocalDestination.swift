import PouchFiles
package import PouchKit

/// Delivers into a folder of this machine, a mounted share included.
///
/// The file is written under a temporary name in its folder, synced, and renamed without overwriting; then the folder is synced. What is
/// seen under the final name is whole, at any moment. The rename's outcome is recognised after a crash by the inode that the checkpoint
/// names, and by the delivery id, which is attached to the file (`user.pouch.delivery`) where the file system can keep it.
package struct LocalDestination: Destination {
    package let traits: DestinationTraits
    let plan: LocalPlan
    /// The partner's own threads: a share that hangs holds up nobody else.
    let threads = BlockingExecutor(name: "pouch-local", threads: 8)
    let known = DurableFolders()

    /// - Parameter base: What a relative path starts from: the folder of agent.yaml.
    /// - Throws: `RefusedSettings` with all that is wrong.
    package static func make(_ settings: LocalSettings, relativeTo base: String) throws(RefusedSettings) -> LocalDestination {
        LocalDestination(try LocalPlan(settings, relativeTo: base))
    }

    init(_ plan: LocalPlan) {
        self.plan = plan
        traits = DestinationTraits(
            adapter: AdapterName(unchecked: "local"),
            stages: [DestinationTraits.Stage(name: .place, identity: nil, place: FileURL.text(of: plan.path) + "/")],
            target: TargetFingerprint("local:" + plan.path),
            localFolder: plan.path
        )
    }

    package func deliver(
        _ file: OutgoingFile,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        let delivery = LocalDelivery(file: file, context: context, plan: plan, threads: threads, known: known)
        return .delivered(try await delivery.run(from: checkpoint))
    }

    /// Removes the part file, and only the very file that the checkpoint names. What bears its final name stays.
    package func abandon(_ checkpoint: Checkpoint) async {
        guard let placement = SavedPlacement(checkpoint), checkpoint.target == traits.target else { return }
        let plan = plan
        await threads.run {
            guard let folder = try? plan.root().openFolder(Array(placement.folder.utf8)) else { return }
            placement.removePart(from: folder)
        }
    }
}
