package import PouchKit

/// One rule: which drops, to which partners, under which name.
package struct RouteRule: Hashable, Sendable {
    package let name: RouteName
    /// `nil`: every watched folder.
    package let folder: Glob?
    package let path: PathPattern
    package let size: SizeCondition
    package let partners: [PartnerName]
    package let template: KeyTemplate
    /// True when a drop that this rule takes is not offered to the rules after it.
    package let stop: Bool

    package init(
        name: RouteName,
        folder: Glob? = nil,
        path: PathPattern = .everything,
        size: SizeCondition = .any,
        partners: [PartnerName],
        template: KeyTemplate = .path,
        stop: Bool = false
    ) {
        self.name = name
        self.folder = folder
        self.path = path
        self.size = size
        self.partners = partners
        self.template = template
        self.stop = stop
    }
}

/// What routing asks of a drop.
package struct DropFacts: Hashable, Sendable {
    /// The path of the watched folder as the configuration gives it.
    package let folder: String
    package let path: DropPath
    package let size: Int64
    /// When it was admitted: the date in its keys, frozen.
    package let admitted: Timestamp

    package init(folder: String, path: DropPath, size: Int64, admitted: Timestamp) {
        self.folder = folder
        self.path = path
        self.size = size
        self.admitted = admitted
    }
}

/// Decides who receives a drop and under which key. The same facts always give the same decision.
package struct Router: Sendable {
    package let rules: [RouteRule]

    /// - Parameter rules: in the order in which they are asked.
    package init(rules: [RouteRule]) { self.rules = rules }

    package func decide(_ drop: DropFacts) -> RoutingDecision {
        var decision = RoutingDecision(deliveries: [], verdicts: [])
        var stopper: RouteName?
        for rule in rules {
            if let stopper {
                decision.verdicts.append(RuleVerdict(route: rule.name, outcome: .notAsked(after: stopper)))
                continue
            }
            let objections = Self.objections(of: rule, to: drop)
            guard objections.isEmpty, let captures = rule.path.match(drop.path) else {
                decision.verdicts.append(RuleVerdict(route: rule.name, outcome: .refused(objections)))
                continue
            }
            let notes = Self.plan(rule, drop, captures, into: &decision.deliveries)
            decision.verdicts.append(RuleVerdict(route: rule.name, outcome: .matched(captures, notes: notes)))
            if rule.stop { stopper = rule.name }
        }
        return decision
    }

    /// All conditions that are not met, not only the first: who corrects a rule wants to see them at once.
    private static func objections(of rule: RouteRule, to drop: DropFacts) -> [String] {
        var objections: [String] = []
        if let folder = rule.folder, !folder.matches(drop.folder) {
            objections.append("folder: '\(VisibleText.escaped(drop.folder))' does not match '\(folder)'")
        }
        if let why = rule.path.objection(to: drop.path) {
            objections.append("path: '\(drop.path)' does not match '\(rule.path)': \(why)")
        }
        if let why = rule.size.objection(to: drop.size) { objections.append("size: \(why)") }
        return objections
    }

    /// Adds the rule's deliveries and says which of them were planned by an earlier rule already.
    private static func plan(
        _ rule: RouteRule,
        _ drop: DropFacts,
        _ captures: [Capture],
        into deliveries: inout [PlannedDelivery]
    ) -> [String] {
        let key = Result { () throws(KeyFailure) in try rule.template.key(for: drop, captures: captures) }
        var notes: [String] = []
        for partner in rule.partners {
            if let earlier = deliveries.first(where: { $0.partner == partner && $0.isSameKey(as: key) }) {
                notes.append("\(partner): the route \(earlier.route) delivers it there already, under the same key")
            } else {
                deliveries.append(PlannedDelivery(route: rule.name, partner: partner, key: key))
            }
        }
        if case .failure(let failure) = key { notes.append("\(failure)") }
        return notes
    }
}
