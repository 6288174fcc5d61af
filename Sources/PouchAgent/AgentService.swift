import PouchConfiguration
import ServiceLifecycle
import Synchronization

/// The agent as a service: ends gracefully when it is told to.
package final class AgentService: Service {
    private let agent: Agent
    private let mode: Agent.Mode
    private let result = Mutex<RunEnding?>(nil)

    package init(agent: Agent, mode: Agent.Mode) {
        self.agent = agent
        self.mode = mode
    }

    /// Never throws: what went wrong is in `ending`.
    package func run() async throws {
        let ending = await withGracefulShutdownHandler {
            await agent.run(mode)
        } onGracefulShutdown: {
            self.agent.stop()
        }
        result.withLock { $0 = ending }
    }

    /// How the run ended; call it after `run` returned.
    package var ending: RunEnding {
        result.withLock { $0 }
            ?? RunEnding(snapshot: nil, folders: [], policy: .hold, account: Account(), breakdown: "the agent did not run")
    }
}
