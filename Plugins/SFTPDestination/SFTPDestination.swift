import PouchHTTP
package import PouchKit

/// Delivers to a folder of an SFTP server.
///
/// The file is uploaded under a temporary name that bears the delivery's id, its size is looked at, and it is renamed to its final name,
/// which replaces nothing. An answer that was lost is settled by looking at both names. The server proves who it is before anything is
/// sent.
package struct SFTPDestination: Destination {
    package static let adapterName = AdapterName(unchecked: "sftp")

    package let traits: DestinationTraits
    let plan: SFTPPlan
    let lane: SFTPLane

    /// - Parameter secret: Reads the one line of a file of secrets (a password, a passphrase), and refuses one that is open to others.
    package init(_ plan: SFTPPlan, secret: @escaping @Sendable (String) throws(SettingsProblem) -> Secret) {
        self.plan = plan
        lane = SFTPLane(plan, secret: secret)
        traits = DestinationTraits(
            adapter: Self.adapterName,
            stages: [
                DestinationTraits.Stage(
                    name: .place, identity: nil,
                    place: plan.location(of: plan.base) + (plan.base.hasSuffix("/") || plan.base.isEmpty ? "" : "/"))
            ],
            target: plan.target)
    }

    package func deliver(
        _ file: OutgoingFile,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        let course = SFTPCourse(file: file, context: context, plan: plan, lane: lane)
        let result = await withTaskGroup(of: Result<DeliveryOutcome, DeliveryFailure>?.self) {
            group -> Result<DeliveryOutcome, DeliveryFailure>? in
            group.addTask {
                do throws(DeliveryFailure) {
                    return .success(.delivered(try await SFTPDelivery(course: course).run(from: checkpoint)))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: context.budget.limits.deadline)
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            if case .some(.some(let result)) = first { return result }
            // The time is over, or we were cancelled. What is under way may still have succeeded.
            for await late in group { if case .success? = late { return late } }
            return nil
        }
        switch result {
        case .success(let outcome): return outcome
        case .failure(let failure): throw failure
        case nil:
            throw DeliveryFailure(
                .retry, code: Task.isCancelled ? "cancelled" : "deadline", attempt: course.attempt,
                cause: Task.isCancelled ? "it was cancelled" : "it took longer than \(context.budget.limits.deadline)")
        }
    }

    /// Removes the temporary files that the checkpoint names. What bears its final name stays, also what `upload: direct` began.
    package func abandon(_ checkpoint: Checkpoint) async {
        guard checkpoint.target == traits.target, let saved = SavedUpload(checkpoint), !saved.temporaries.isEmpty else { return }
        // It may fail in silence: the names say what they are.
        _ = try? await lane.perform { SFTPRequest(before: saved.temporaries.map { .perhaps(.remove($0)) }) }
    }
}
