import Glibc
package import Logging
import PouchFiles
package import PouchKit
import Synchronization

/// Tells the service manager how the agent does, and feeds its watchdog while the loops move.
///
/// Trouble with telling is logged and is no trouble of the agent's.
package final class Supervisor: Sendable {
    private struct Line {
        var counts = ""
        var stuck: [String] = []
        var told = ""

        var text: String {
            let trouble = stuck.isEmpty ? "" : "stuck: " + stuck.joined(separator: ", ")
            return [trouble, counts].filter { !$0.isEmpty }.joined(separator: "; ")
        }
    }

    /// How often the counts are looked at.
    private static let statusEvery: Duration = .seconds(5)

    private let contract: SupervisorContract
    private let socket: SupervisorSocket
    private let clock: any AgentClock
    private let logger: Logger
    /// Nothing else may hold up the sign of life.
    private let lane = BlockingLane(name: "pouch-notify")
    private let line = Mutex(Line())
    private let isTroubleTold = Mutex(false)

    /// - Throws: `SocketProblem` when the service manager's socket cannot be used.
    package init(_ contract: SupervisorContract, clock: any AgentClock, logger: Logger) throws(SocketProblem) {
        self.contract = contract
        self.clock = clock
        self.logger = logger
        socket = try SupervisorSocket(contract.socket)
    }

    package func tell(_ notice: SupervisorNotice) async {
        do {
            try await lane.run { [self] () throws(SocketProblem) in try socket.send(notice) }
            isTroubleTold.withLock { $0 = false }
        } catch {
            let isNew = isTroubleTold.withLock { told in
                defer { told = true }
                return !told
            }
            if isNew { logger.warning("the service manager could not be told", metadata: ["cause": "\(error)"]) }
        }
    }

    package func tellReloading() async {
        var time = timespec()
        // Fails only for a clock that the kernel does not know.
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        await tell(.reloading(monotonicMicroseconds: microseconds))
    }

    /// Feeds the watchdog until cancelled; returns at once when nobody watches.
    ///
    /// - Parameter news: told when loops get stuck, and when all move again.
    package func feed(_ heartbeats: Heartbeats, news: @Sendable (Feeding.News) -> Void) async {
        guard let watchdog = contract.watchdog else { return }
        var feeding = Feeding(watchdog: watchdog)
        var pause = feeding.firstPause
        heartbeats.ask()
        while true {
            do { try await clock.sleep(for: pause) } catch { return }
            let step = feeding.step(silent: heartbeats.silent)
            if let change = step.news {
                news(change)
                let stuck: [String] = if case .stuck(let loops) = change { loops } else { [] }
                await tellLine { $0.stuck = stuck }
            }
            if step.feeds {
                await tell(.alive)
                heartbeats.ask()
            }
            pause = step.pause
        }
    }

    /// Tells the counts whenever they have changed, until cancelled.
    package func report(_ counts: @Sendable () async -> String?) async {
        while true {
            if let text = await counts() { await tellLine { $0.counts = text } }
            do { try await clock.sleep(for: Self.statusEvery) } catch { return }
        }
    }

    private func tellLine(_ change: (inout Line) -> Void) async {
        let text: String? = line.withLock { line in
            change(&line)
            guard line.text != line.told else { return nil }
            line.told = line.text
            return line.told
        }
        if let text { await tell(.status(text)) }
    }
}
