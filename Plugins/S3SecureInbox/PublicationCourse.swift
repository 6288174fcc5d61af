import PouchKit

/// What to do next about one delivery at the inbox, from what is known: which copies may have taken effect, what a question
/// showed, what a copy brought. A value: it sends nothing and knows no time.
struct PublicationCourse: Equatable {
    /// What asking for the object at the key showed.
    enum Sight: Hashable {
        /// It carries this delivery's id.
        case ours
        case foreign
        case absent
        /// We may not ask, as is the rule in an inbox.
        case notPermitted
        case unanswered
    }

    /// What came of a copy.
    enum Outcome: Hashable {
        case done
        /// Something is at the key. The flag: an earlier copy in the same call may have put it there.
        case taken(perhapsByUs: Bool)
        /// No answer that can be relied on.
        case unknown
        /// No answer, and what was sent a moment ago is not at large any more: it took effect, unless somebody took it away.
        case vanished
    }

    enum Step: Equatable {
        /// Note durably that a copy to this key is about to be sent.
        case announce(DeliveryKey)
        case copy(DeliveryKey)
        case ask(DeliveryKey)
        case finish(DeliveryKey, Receipt.Confirmation)
        /// The key is taken, and is not to be gone round.
        case refuse(DeliveryKey)
        /// Nothing more can be learned now.
        case comeBack(DeliveryKey)
        /// Something is at the key, and whoever does not remember what was sent before must not guess whose it is.
        case cannotTell(DeliveryKey)
    }

    private enum State: Equatable {
        case fresh
        /// Announced: the copy may go.
        case ready(perhapsThere: Bool)
        /// A copy may have taken effect.
        case lost
        /// It took effect, as far as can be told without looking.
        case vanished
        /// A copy met something.
        case met(perhapsOurs: Bool)
        case finished(Receipt.Confirmation)
        case refused
        case stuck
        case unseen
    }

    /// Copies sent without an answer before we leave it to a later attempt.
    private static let mostLost = 3

    private let whenTaken: WhenTaken
    private let remembersAttempts: Bool
    private let delivery: DeliveryID
    private let original: DeliveryKey
    private(set) var key: DeliveryKey
    private var state: State
    private var lostCount = 0

    /// - Parameters:
    ///   - announced: The key of a copy that an earlier attempt was about to send, and nobody knows whether it did.
    ///   - resumed: The key at which an earlier attempt was about to deliver.
    ///   - remembersAttempts: Whether an earlier attempt would have been announced. Without a memory any object at the key may be this
    ///     very delivery, until it is asked.
    init(
        key: DeliveryKey,
        announced: DeliveryKey?,
        resumed: DeliveryKey? = nil,
        whenTaken: WhenTaken,
        delivery: DeliveryID,
        remembersAttempts: Bool
    ) {
        original = key
        self.key = announced ?? resumed ?? key
        self.whenTaken = whenTaken
        self.delivery = delivery
        self.remembersAttempts = remembersAttempts
        state = announced == nil ? .fresh : .lost
    }

    var next: Step {
        switch state {
        case .fresh: .announce(key)
        case .ready: .copy(key)
        case .lost, .vanished, .met: .ask(key)
        case .finished(let confirmation): .finish(key, confirmation)
        case .refused: .refuse(key)
        case .stuck: .comeBack(key)
        case .unseen: .cannotTell(key)
        }
    }

    /// A copy to the key may have taken effect that no answer told of: what was announced must stay so.
    var isOutcomeOpen: Bool {
        switch state {
        case .fresh, .refused, .unseen: false
        case .ready(let perhapsThere): perhapsThere
        case .met(let perhapsOurs): perhapsOurs
        case .lost, .vanished, .stuck, .finished: true
        }
    }

    mutating func announced() { state = .ready(perhapsThere: false) }

    mutating func copied(_ outcome: Outcome) {
        guard case .ready(let perhapsThere) = state else { return }
        switch outcome {
        case .done: state = .finished(.byAnswer)
        case .taken(let perhapsByUs): state = .met(perhapsOurs: perhapsThere || perhapsByUs)
        case .unknown: lose()
        case .vanished: state = .vanished
        }
    }

    mutating func saw(_ sight: Sight) {
        switch (state, sight) {
        case (.lost, .ours), (.met, .ours), (.vanished, .ours): state = .finished(.byQuestion)
        // What may not be seen is believed; what is not there, or is another's, was taken away before it took effect.
        case (.vanished, .notPermitted), (.vanished, .unanswered): state = .finished(.byQuestion)
        case (.vanished, .absent):
            lose()
            if state == .lost { state = .ready(perhapsThere: false) }
        case (.lost, .foreign), (.vanished, .foreign):
            guard whenTaken == .replace else { return goRound() }
            if state == .vanished { lose() }
            if state != .stuck { state = .ready(perhapsThere: false) }
        // A lost copy may still be under way, and arrive later.
        case (.lost, .absent), (.lost, .notPermitted): state = .ready(perhapsThere: true)
        case (.lost, .unanswered): state = .stuck
        case (.met, .foreign): goRound()
        // It was there a moment ago.
        case (.met(let perhapsOurs), .absent):
            lose()
            if state == .lost { state = .ready(perhapsThere: perhapsOurs) }
        case (.met(true), .notPermitted): state = .finished(.byConflict)
        case (.met(true), .unanswered): state = .stuck
        case (.met(false), .notPermitted) where !remembersAttempts: state = .unseen
        case (.met(false), .unanswered) where !remembersAttempts: state = .stuck
        // Nothing of ours was sent to that key before: it is somebody else's, whatever cannot be seen.
        case (.met(false), .notPermitted), (.met(false), .unanswered): goRound()
        default: break
        }
    }

    private mutating func lose() {
        lostCount += 1
        state = lostCount < Self.mostLost ? .lost : .stuck
    }

    private mutating func goRound() {
        let suffixed = original.suffixed(for: delivery)
        guard whenTaken == .suffix, key != suffixed else {
            state = .refused
            return
        }
        key = suffixed
        state = .fresh
    }
}
