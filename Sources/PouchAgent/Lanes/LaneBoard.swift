import PouchJournal
import PouchKit
import Synchronization

/// All lanes by partner. Partners that are gone from the configuration have no lane: their deliveries wait in the journal, held.
final class LaneBoard: Sendable {
    private struct State {
        var lanes: [PartnerName: Lane]
        /// Of partners that are gone, until what was running has ended.
        var leaving: [Lane] = []
    }

    private let state: Mutex<State>
    private let arrivals: AsyncStream<Lane>
    private let arrived: AsyncStream<Lane>.Continuation

    init(_ lanes: [Lane]) {
        state = Mutex(State(lanes: Dictionary(uniqueKeysWithValues: lanes.map { ($0.partner, $0) })))
        (arrivals, arrived) = AsyncStream.makeStream()
        for lane in lanes { arrived.yield(lane) }
    }

    subscript(partner: PartnerName) -> Lane? { state.withLock { $0.lanes[partner] } }

    /// Something is running, also for a partner that is gone.
    var isBusy: Bool { all.contains { $0.isBusy } }

    private var all: [Lane] { state.withLock { Array($0.lanes.values) + $0.leaving } }

    /// Runs the lanes, those too that come later, until they are stopped and what was running has ended. Called once.
    func run(where isWanted: (PartnerName) -> Bool) async {
        await withDiscardingTaskGroup { group in
            for await lane in arrivals where isWanted(lane.partner) {
                group.addTask { [self] in
                    await lane.run()
                    state.withLock { $0.leaving.removeAll { $0 === lane } }
                }
            }
        }
    }

    /// Something new waits in the journal for the partner.
    func noteBacklog(of partner: PartnerName) { self[partner]?.noteBacklog() }

    func noteBacklog() { for lane in all { lane.noteBacklog() } }

    func add(_ lane: Lane) {
        state.withLock { $0.lanes[lane.partner] = lane }
        arrived.yield(lane)
    }

    /// What had begun for a partner before it was taken out has not ended.
    func isLeaving(_ partner: PartnerName) -> Bool { state.withLock { $0.leaving.contains { $0.partner == partner } } }

    /// What is running there ends; nothing more begins.
    func remove(_ partner: PartnerName) {
        let lane = state.withLock { state in
            let lane = state.lanes.removeValue(forKey: partner)
            if let lane { state.leaving.append(lane) }
            return lane
        }
        lane?.stop()
    }

    func stop() {
        arrived.finish()
        for lane in all { lane.stop() }
    }
}
