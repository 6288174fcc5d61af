import Logging
package import PouchJournal
import PouchKit

/// What the agent's supervisor is told of it.
extension Agent {
    /// Until cancelled.
    func tellSupervisor() async {
        guard let supervisor else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.answerForTheJournal() }
            group.addTask { await supervisor.feed(self.works.heartbeats) { self.note($0) } }
            group.addTask { await supervisor.report { await self.supervisorLine() } }
        }
    }

    /// The journal's thread has no loop of ours around it: it moves when it commits.
    private func answerForTheJournal() async {
        let bell = Bell()
        let heartbeat = works.heartbeats.join("journal") { bell.ring() }
        defer { heartbeat.leave() }
        while !Task.isCancelled {
            await bell.wait()
            // A journal that refuses moves: what is wrong with it is told elsewhere.
            _ = try? await journal.flush().value()
            await heartbeat.comesAround()
        }
    }

    private func note(_ news: Feeding.News) {
        switch news {
        case .stuck(let loops):
            alerts.raise(
                .stuck, subject: "agent", code: loops.joined(separator: ", "),
                text:
                    "the agent stands still (\(loops.joined(separator: ", "))); unless it moves again soon, the service manager ends "
                    + "it and starts it again")
        case .moving:
            logger.info("all loops move again")
            alerts.clear(.stuck, subject: "agent")
        }
    }

    /// - Returns: `nil` when the journal cannot be read now.
    private func supervisorLine() async -> String? {
        guard let snapshot = try? await journal.snapshot(now: clock.now) else { return nil }
        return SupervisorLine(snapshot.total, pause: intake.pauseReason).text
    }
}

/// One line about everything, for `systemctl status`. A value.
package struct SupervisorLine: Hashable, Sendable {
    package let text: String

    /// - Parameter pause: why nothing is taken in; `nil`: it is.
    package init(_ counts: DeliveryCounts, pause: String?) {
        let always = ["\(counts.delivered) delivered", "\(counts.onTheWay) waiting", "\(counts.held) held"]
        let quarantined = counts.quarantined - counts.retried
        let sometimes = [(quarantined, "quarantined"), (counts.unaccounted, "unaccounted")].filter { $0.0 != 0 }.map {
            "\($0.0) \($0.1)"
        }
        let line = (always + sometimes).joined(separator: ", ")
        text = line + (pause.map { "; nothing is taken in: \($0)" } ?? "")
    }
}
