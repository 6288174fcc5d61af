import PouchWatch
import Synchronization

/// The way in, as one reading of the configuration has it: what is watched, and what becomes of what is found there.
final class Entrance: Sendable {
    let plan: AgentPlan
    let intake: Intake
    let watcher: DropWatcher

    init(plan: AgentPlan, intake: Intake, watcher: DropWatcher) {
        self.plan = plan
        self.intake = intake
        self.watcher = watcher
    }
}

/// The entrance that is open now.
final class CurrentEntrance: Sendable {
    private let entrance: Mutex<Entrance>

    init(_ entrance: Entrance) { self.entrance = Mutex(entrance) }

    var value: Entrance { entrance.withLock { $0 } }

    func change(to next: Entrance) { entrance.withLock { $0 = next } }
}
