import PouchAWS
import PouchKit
import Synchronization

/// What a run came to, by objects: one that was postponed and then published was published, and one that was refused five times was
/// refused once.
final class PublishingTally: Sendable {
    private struct State {
        var published: Set<String> = []
        var postponed: Set<String> = []
        var refused: Set<String> = []
        var trouble: String?
        var isCounting = true

        mutating func settle(_ object: String) {
            postponed.remove(object)
            refused.remove(object)
        }
    }

    private let state = Mutex(State())

    var ending: PublisherService.Ending {
        state.withLock { state in
            var ending = PublisherService.Ending()
            ending.published = state.published.count
            ending.postponed = state.postponed.count
            ending.refused = state.refused.count
            ending.trouble = state.trouble
            return ending
        }
    }

    /// A service that runs for months would remember every object.
    func stopCounting() { state.withLock { $0.isCounting = false } }

    func count(_ news: PublisherNews) {
        state.withLock { state in
            switch news {
            case .receiptsRefused(let partner, let failure):
                state.trouble = "receipts cannot be left for \(partner), and without them files would arrive twice: \(failure)"
            case .reconciliationFailed(let partner, let failure) where state.isCounting:
                state.trouble = "the repository of \(partner) could not be reconciled: \(failure)"
            case .published(_, _, let object, _, _) where state.isCounting:
                state.published.insert(object)
                state.settle(object)
            case .foundReceipt(_, let object) where state.isCounting: state.settle(object)
            case .postponed(_, let object, _) where state.isCounting:
                if !state.published.contains(object) { state.postponed.insert(object) }
            case .refused(_, let object, _) where state.isCounting: state.refused.insert(object)
            default: break
            }
        }
    }

    func fail(_ trouble: String) { state.withLock { $0.trouble = trouble } }
}
