package import PouchKit

/// Who receives a drop, and what each rule said to it.
package struct RoutingDecision: Hashable, Sendable {
    /// In the order of the rules; empty when no rule takes the drop.
    package var deliveries: [PlannedDelivery]
    /// One for each rule, in their order.
    package var verdicts: [RuleVerdict]

    package init(deliveries: [PlannedDelivery], verdicts: [RuleVerdict]) {
        self.deliveries = deliveries
        self.verdicts = verdicts
    }

    /// No rule takes the drop: `unmatched` says what becomes of it.
    package var isUnmatched: Bool { deliveries.isEmpty }
}

/// A delivery that a rule asks for.
package struct PlannedDelivery: Hashable, Sendable {
    package let route: RouteName
    package let partner: PartnerName
    /// The failure is why this delivery is quarantined as soon as it is admitted.
    package let key: Result<DeliveryKey, KeyFailure>

    package init(route: RouteName, partner: PartnerName, key: Result<DeliveryKey, KeyFailure>) {
        self.route = route
        self.partner = partner
        self.key = key
    }

    /// Byte by byte: two keys that only look the same are two objects at the far end. Without a key there is nothing to
    /// deliver twice, and one quarantined delivery to the partner says it all.
    func isSameKey(as other: Result<DeliveryKey, KeyFailure>) -> Bool {
        switch (key, other) {
        case (.success(let left), .success(let right)): left.description.utf8.elementsEqual(right.description.utf8)
        case (.failure(let left), .failure(let right)): left.code == right.code
        default: false
        }
    }
}

/// What one rule said to a drop.
package struct RuleVerdict: Hashable, Sendable, CustomStringConvertible {
    package enum Outcome: Hashable, Sendable {
        /// It takes the drop. The notes say what is remarkable: a delivery that is planned already, a key that is refused.
        case matched([Capture], notes: [String])
        /// It does not; every condition that is not met, in words.
        case refused([String])
        /// An earlier rule took the drop and said `stop`.
        case notAsked(after: RouteName)
    }

    package let route: RouteName
    package let outcome: Outcome

    package init(route: RouteName, outcome: Outcome) {
        self.route = route
        self.outcome = outcome
    }

    package var isMatch: Bool {
        guard case .matched = outcome else { return false }
        return true
    }

    package var captures: [Capture] {
        guard case .matched(let captures, _) = outcome else { return [] }
        return captures
    }

    /// Sentences for people, one to a line; empty for a match of which nothing needs to be said.
    package var reasons: [String] {
        switch outcome {
        case .matched(_, let notes): notes
        case .refused(let objections): objections
        case .notAsked(let route): ["not asked: the route \(route) took the drop and says stop"]
        }
    }

    /// `reports: matched; {region} = 'eu'`
    package var description: String {
        let words = captures.map(\.description) + reasons
        return ([isMatch ? "\(route): matched" : "\(route): not matched"] + words).joined(separator: "; ")
    }
}
