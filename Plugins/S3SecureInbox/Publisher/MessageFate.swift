package import PouchKit

/// What came of one object that a message named.
package enum PublishingVerdict: Sendable {
    /// It is in the inbox, verified.
    case done
    /// Its receipt says that it was published at another time.
    case doneBefore
    /// There is nothing to publish: our own receipts, a segment whose index is the consignment, what an agent publishes by itself.
    case nothing
    /// It may work later.
    case later(DeliveryFailure)
    /// It will never work.
    case never(DeliveryFailure)
}

/// What a queue does with a message that is received again and again.
package enum Redrive: Hashable, Sendable {
    /// It has no dead letters.
    case never
    case after(receptions: Int)
    /// It may not be asked.
    case unknown
}

/// What becomes of a message: a value.
package enum MessageFate: Hashable, Sendable {
    case delete
    /// It comes back after so long, to us or to another publisher.
    case comeBack(after: Duration)
    /// It stays as it is, to come back at once as often as its queue wants before it goes to the dead letters.
    case leave(after: Duration)

    /// - Parameter receiveCount: How often it was received, this time included.
    package init(_ verdicts: [PublishingVerdict], receiveCount: Int?, redrive: Redrive) {
        var asked: Duration = .zero
        var isLater = false
        var isHopeless = false
        for verdict in verdicts {
            switch verdict {
            case .done, .doneBefore, .nothing: break
            case .later(let failure):
                isLater = true
                if case .retry(let after?) = failure.remedy { asked = max(asked, after) }
            case .never: isHopeless = true
            }
        }
        if isLater {
            self = .comeBack(after: max(ReceptionPause.after(reception: receiveCount ?? 1, redrive), asked))
        } else if isHopeless {
            // Where nobody gives it up, it would be received over and over.
            if case .after = redrive { self = .leave(after: .zero) } else { self = .leave(after: ReceptionPause.longest) }
        } else {
            self = .delete
        }
    }
}

/// How long a message waits for its next reception: 5 s, and twice as long each time. Where its queue gives up after a few
/// receptions, the last pauses are longer: a good message must outlast an hour of trouble before it becomes a dead letter.
package enum ReceptionPause {
    package static let longest: Duration = .seconds(900)
    private static let first: Duration = .seconds(5)
    /// The last pause before a message would be given up.
    private static let last: Duration = .seconds(7_200)
    /// Each pause before it is shorter by this: what passes soon is noticed soon.
    private static let step = 12
    /// Queues that cannot be asked are taken for such, which few are below.
    private static let usualReceptions = 5

    package static func after(reception: Int, _ redrive: Redrive) -> Duration {
        var pause = first
        for _ in 1..<max(reception, 1) where pause < longest { pause *= 2 }
        pause = min(pause, longest)
        let receptions: Int
        switch redrive {
        case .never: return pause
        case .after(let count): receptions = count
        case .unknown: receptions = usualReceptions
        }
        var pausesAfter = receptions - 1 - reception
        guard pausesAfter >= 0 else { return pause }
        var stretched = last
        while pausesAfter > 0, stretched > first {
            stretched /= step
            pausesAfter -= 1
        }
        return max(pause, stretched)
    }
}
