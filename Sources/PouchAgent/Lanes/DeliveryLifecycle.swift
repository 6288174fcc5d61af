package import PouchKit

/// What becomes of a delivery after a failed attempt. A value: the failure and the count in, the step out.
package struct DeliveryLifecycle: Sendable {
    package enum Step: Hashable, Sendable {
        /// Try again after this long.
        case wait(Duration)
        /// The partner waits for a person, and this delivery with it.
        case holdPartner
        case quarantine
        /// The source is not what was claimed: look at it again, then begin anew.
        case retake(after: Duration)
    }

    private let backoff: Backoff
    /// A changed source is looked at again after this long: whoever wrote it may still be writing.
    private let quiet: Duration
    /// A shortage of our own ends in a moment that nothing tells us of, and looking whether it did costs nobody else anything.
    private static let longestInShortage: Duration = .seconds(5)

    package init(backoff: Backoff = Backoff(), quiet: Duration = .seconds(2)) {
        self.backoff = backoff
        self.quiet = quiet
    }

    /// - Parameters:
    ///   - attempt: the number of the attempt that failed, from 1.
    ///   - jitter: 0 ..< 1.
    package func step(after failure: DeliveryFailure, attempt: Int, jitter: Double) -> Step {
        switch failure.remedy {
        case .retry(let asked):
            // A delay asked for by the other side wins over a shorter one of ours.
            .wait(max(asked ?? .zero, pause(after: failure, attempt: attempt, jitter: jitter)))
        case .hold: .holdPartner
        case .quarantine: .quarantine
        case .sourceChanged: .retake(after: quiet)
        }
    }

    private func pause(after failure: DeliveryFailure, attempt: Int, jitter: Double) -> Duration {
        let step = backoff.delay(afterFailures: attempt, jitter: jitter)
        return failure.isShortage ? min(step, Self.longestInShortage) : step
    }
}

extension DeliveryFailure {
    /// True when this process or this machine had no descriptor or memory left.
    var isShortage: Bool { [Self.shortage, "EMFILE", "ENFILE", "ENOMEM"].contains(code) }
}
