import PouchAWS
import Synchronization

/// What a run came to.
final class PublishingTally: Sendable {
    private let state = Mutex(PublisherService.Ending())

    var ending: PublisherService.Ending { state.withLock { $0 } }

    func count(_ news: PublisherNews) {
        state.withLock { ending in
            switch news {
            case .published: ending.published += 1
            case .postponed: ending.postponed += 1
            case .refused: ending.refused += 1
            case .reconciliationFailed(let partner, let failure):
                ending.trouble = "the repository of \(partner) could not be reconciled: \(failure)"
            case .started, .noDeadLetters, .throttled, .queueTrouble, .reconciled, .draining: break
            }
        }
    }

    func fail(_ failure: AWSFailure, _ queue: QueueURL) {
        state.withLock { $0.trouble = "\(queue) could not be asked for messages: \(failure)" }
    }
}
