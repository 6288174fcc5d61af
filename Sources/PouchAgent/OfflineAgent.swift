import Logging
import PouchKit

/// Does what a running agent would do on request, when there is none: opens the state, answers, closes it again.
package struct OfflineAgent: Sendable {
    private let plan: AgentPlan

    package init(plan: AgentPlan) { self.plan = plan }

    /// - Throws: `AgentFailure` when the state cannot be opened.
    package func answer(
        _ request: ControlRequest,
        progress: @escaping @Sendable (ControlAnswer) -> Void = { _ in },
        ended: @escaping @Sendable () -> Void = {}
    ) async throws(AgentFailure) -> ControlAnswer {
        defer { ended() }
        let quiet = Logger(label: "pouch") { _ in SwiftLogNoOpLogHandler() }
        let agent = try await Agent.open(plan: plan, clock: SystemClock(), logger: quiet)
        return await withTaskGroup(of: ControlAnswer?.self) { group in
            group.addTask {
                _ = await agent.run(.quiet(request.receiver))
                return nil
            }
            group.addTask {
                let answer = await agent.answer(request) { step in
                    progress(step)
                    return true
                }
                agent.stop()
                return answer
            }
            var last: ControlAnswer?
            for await answer in group { last = answer ?? last }
            return last ?? .refused(text: "the agent stopped", hint: nil)
        }
    }
}

extension ControlRequest {
    /// Whom it delivers to; everything else is left to the next run.
    fileprivate var receiver: PartnerName? {
        if case .send(_, let partner) = self { return partner }
        return nil
    }
}
