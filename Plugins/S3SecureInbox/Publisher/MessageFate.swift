package import PouchKit

/// What came of one object that a message named.
package enum PublishingVerdict: Sendable {
    /// It is in the inbox, verified.
    case done
    /// There is nothing to publish: our own receipts, a segment whose index is the consignment.
    case nothing
    /// It may work later.
    case later(DeliveryFailure)
    /// It will never work.
    case never(DeliveryFailure)
}

/// What becomes of a message: a value.
package enum MessageFate: Hashable, Sendable {
    case delete
    /// It comes back after so long, to us or to another publisher.
    case comeBack(after: Duration)
    /// It stays as it is, to come back at once as often as its queue wants before it goes to the dead letters.
    case leave(after: Duration)

    /// The first pause; each further one is twice as long.
    private static let firstPause: Duration = .seconds(5)
    private static let longestPause: Duration = .seconds(900)

    /// - Parameters:
    ///   - receiveCount: How often it was received, this time included.
    ///   - hasDeadLetters: Whether its queue gives up by itself; otherwise a hopeless message would be received over and over.
    package init(_ verdicts: [PublishingVerdict], receiveCount: Int?, hasDeadLetters: Bool) {
        var asked: Duration = .zero
        var isLater = false
        var isHopeless = false
        for verdict in verdicts {
            switch verdict {
            case .done, .nothing: break
            case .later(let failure):
                isLater = true
                if case .retry(let after?) = failure.remedy { asked = max(asked, after) }
            case .never: isHopeless = true
            }
        }
        let pause = max(Self.pause(receiveCount ?? 1), asked)
        if isLater {
            self = .comeBack(after: pause)
        } else if isHopeless {
            self = .leave(after: hasDeadLetters ? .zero : Self.longestPause)
        } else {
            self = .delete
        }
    }

    private static func pause(_ receiveCount: Int) -> Duration {
        var pause = firstPause
        for _ in 1..<max(receiveCount, 1) where pause < longestPause { pause *= 2 }
        return min(pause, longestPause)
    }
}
