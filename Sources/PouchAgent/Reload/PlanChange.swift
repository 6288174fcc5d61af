import PouchConfiguration
package import PouchJournal
import PouchKit
import PouchRouting
import PouchWatch

/// What another reading of the configuration changes, told before it is done. A value: two plans and the counts in, sentences out.
package struct PlanChange: Sendable {
    /// What cannot change while the agent runs; `nil`: all of it can.
    package let obstacle: String?
    /// One a change; none when both plans say the same.
    package let sentences: [String]

    /// - Parameter queued: what is on its way, by partner.
    package init(from old: AgentPlan, to new: AgentPlan, queued: [PartnerSummary]) {
        obstacle = Self.obstacle(from: old, to: new)
        let counts = Dictionary(queued.map { ($0.partner, $0.counts) }, uniquingKeysWith: { first, _ in first })
        sentences =
            Self.folders(from: old.folders, to: new.folders) + Self.partners(from: old.partners, to: new.partners, counts)
            + Self.rest(from: old, to: new)
    }

    private static func obstacle(from old: AgentPlan, to new: AgentPlan) -> String? {
        if old.state != new.state { return "agent.state was \(old.state) and is \(new.state)" }
        if old.name != new.name { return "agent.name was \(old.name) and is \(new.name)" }
        return nil
    }

    private static func folders(from old: [FolderPlan], to new: [FolderPlan]) -> [String] {
        let before = Dictionary(old.map { ($0.watched.path, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Set(new.map(\.watched.path))
        let gone = old.filter { !after.contains($0.watched.path) }
            .map { "\($0.watched.path) is not watched any more; what was taken from it goes on" }
        return gone
            + new.compactMap { folder in
                let path = folder.watched.path
                guard let known = before[path] else { return "\(path) is watched" }
                if known.watched != folder.watched { return "\(path) is watched by other settings" }
                if known.afterwards != folder.afterwards {
                    return "what is taken from \(path) from now on is put away as `then:` says now; the rest as it said before"
                }
                return nil
            }
    }

    private static func partners(
        from old: [PartnerPlan], to new: [PartnerPlan], _ counts: [PartnerName: DeliveryCounts]
    ) -> [String] {
        let before = Dictionary(old.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Set(new.map(\.name))
        let gone = old.filter { !after.contains($0.name) }.map { partner in
            let count = counts[partner.name]?.onTheWay ?? 0
            return "\(partner.name) is not named any more" + (count > 0 ? ": \(Self.deliveries(count)) held until it is again" : "")
        }
        return gone
            + new.flatMap { partner -> [String] in
                let counts = counts[partner.name] ?? DeliveryCounts()
                guard let known = before[partner.name] else {
                    let waiting = counts.onTheWay > 0 ? ": \(Self.deliveries(counts.onTheWay)) released" : ""
                    return ["\(partner.name) is delivered to\(waiting)"]
                }
                return Self.changes(of: partner, from: known, counts)
            }
    }

    private static func changes(of new: PartnerPlan, from old: PartnerPlan, _ counts: DeliveryCounts) -> [String] {
        var changes: [String] = []
        let (target, former) = (new.destination.traits.target, old.destination.traits.target)
        if target != former {
            let rest =
                counts.onTheWay > 0 ? ": \(deliveries(counts.onTheWay)) sent there, what had begun from the start" : ""
            changes.append("\(new.name) is reached at \(target), and was at \(former)\(rest)")
        }
        if new.limits != old.limits {
            changes.append("\(new.name) has other limits: \(words(of: new.limits)), and had \(words(of: old.limits))")
        }
        if (new.seal == nil) != (old.seal == nil) {
            changes.append("files for \(new.name) are \(new.seal == nil ? "not sealed any more" : "sealed") from now on")
        }
        if changes.isEmpty, !new.isMadeOfTheSame(as: old) {
            let rest = counts.onTheWay > 0 ? ": \(deliveries(counts.onTheWay)) sent by them" : ""
            changes.append("\(new.name) has other settings\(rest)")
        }
        return changes
    }

    private static func words(of limits: TransferBudget.Limits) -> String {
        "\(limits.atOnce) at once" + (limits.bytesPerSecond.map { " at \($0) B/s" } ?? "")
    }

    private static func deliveries(_ count: Int) -> String { count == 1 ? "1 delivery is" : "\(count) deliveries are" }

    private static func rest(from old: AgentPlan, to new: AgentPlan) -> [String] {
        var changes: [String] = []
        if old.router.rules != new.router.rules {
            changes.append("the routes are others; what was taken already keeps its partners and keys")
        }
        if old.unmatched != new.unmatched { changes.append("files that no route takes: \(new.unmatched.rawValue)") }
        if old.alertCommand != new.alertCommand { changes.append("somebody is told by another command") }
        return changes
    }
}

extension PartnerPlan {
    /// The settings are known to be the same.
    func isMadeOfTheSame(as other: PartnerPlan) -> Bool { settings != nil && settings == other.settings }
}
