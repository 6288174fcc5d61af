package import PouchAgent
import PouchJournal
import PouchKit

/// A status for people: what needs a person first, then the partners, then what is under way.
package struct StatusText {
    private let status: AgentStatus
    private let style: Style

    package init(status: AgentStatus, style: Style) {
        self.status = status
        self.style = style
    }

    package var text: String {
        var lines = [headline]
        lines += status.troubles.flatMap { trouble in
            let parts = trouble.split(separator: "\n")
            return parts.prefix(1).map { style.bad("  trouble: \($0)") } + parts.dropFirst().map { "    \($0)" }
        }
        lines += partners
        lines += holds
        lines += seals
        lines += underWay
        lines += folders
        lines += quarantine
        lines += last
        lines.append(accounts)
        return lines.joined(separator: "\n")
    }

    private var headline: String {
        let journal = status.journal
        let state = status.isRunning ? style.good("running") : style.faint("not running (this is from its journal)")
        return style.bold(journal.agent) + "  " + state
    }

    private var partners: [String] {
        guard !status.journal.partners.isEmpty else { return ["  nothing was delivered yet"] }
        var table = Table()
        table.add("partner", "waiting", "running", "delivered", "held", "quarantined", "oldest waiting")
        for partner in status.journal.partners {
            let counts = partner.counts
            let age = partner.oldestWaiting.map { DurationText.of($0.duration(to: status.at)) } ?? "-"
            table.add(
                "\(partner.partner)",
                "\(counts.waiting)",
                "\(counts.storing + counts.stored + counts.publishing)",
                "\(counts.delivered)",
                "\(counts.held)",
                "\(counts.quarantined - counts.retried)",
                age
            )
        }
        return [table.rendered()]
    }

    private var holds: [String] {
        let held = status.journal.heldPartners.flatMap { hold in
            ["", style.bad("  \(hold.partner) is held since \(hold.since): \(hold.code)")] + indented(hold.reason)
                + ["    after the fix: pouch release \(hold.partner)"]
        }
        let single = status.journal.held.filter { delivery in
            !status.journal.heldPartners.contains { $0.partner == delivery.partner }
        }
        let waiting = single.prefix(10).flatMap { delivery in
            ["", style.bad("  held: \(delivery.path) for \(delivery.partner)")]
                + told(delivery.failure)
                + ["    to try again: pouch retry \(delivery.id.shortForm)"]
        }
        let retrying = status.journal.partners.filter { partner in
            !status.journal.heldPartners.contains { $0.partner == partner.partner }
        }.compactMap(\.retrying).filter { $0.failure != nil }.flatMap { delivery in
            ["", style.careful("  waiting after attempt \(delivery.attempts): \(delivery.path) for \(delivery.partner)")]
                + told(delivery.failure)
        }
        let lanes = status.lanes.filter { $0.breaker != "closed" }.map { style.careful("  \($0.partner): \($0.breaker)") }
        return held + waiting + retrying + lanes
    }

    private var seals: [String] {
        status.lanes.flatMap { lane in
            lane.seal.map { seal in
                ["  \(lane.partner): \(seal.words)"]
                    + seal.notices.map { $0.isBlocking ? style.bad("    \($0.text)") : style.careful("    \($0.text)") }
            } ?? []
        }
    }

    private var underWay: [String] {
        guard !status.running.isEmpty else { return [] }
        var table = Table()
        for entry in status.running.prefix(20) {
            table.add(
                entry.path,
                "to \(entry.partner)",
                entry.size == 0 ? "" : "\((entry.sealed ?? entry.sent) * 100 / entry.size) %",
                "\(ByteText.of(entry.sealed ?? entry.sent)) of \(ByteText.of(entry.size))"
                    + (entry.sealed == nil ? "" : ", being sealed")
            )
        }
        return ["", "  under way", table.rendered(indent: 4)]
    }

    private var folders: [String] {
        status.folders.flatMap { folder in
            var facts = ["\(folder.unsettled) unsettled", "\(folder.unmatched) unmatched"]
            facts += folder.ignored.sorted { $0.key < $1.key }.map { "\($0.value) ignored (\($0.key))" }
            let age = folder.sweptAt.map { "swept \(DurationText.of($0.duration(to: status.at))) ago" } ?? "not swept yet"
            return ["", "  \(folder.folder): \(facts.joined(separator: ", ")); \(age)"]
                + folder.notices.map { style.careful("    \($0)") }
        }
    }

    private var quarantine: [String] {
        status.journal.quarantined.prefix(10).flatMap { delivery in
            ["", style.bad("  quarantined: \(delivery.path) for \(delivery.partner)")]
                + indented(delivery.failure.map { "\($0.code): \($0.cause)" + ($0.hint.map { "\nhint: \($0)" } ?? "") } ?? "")
                + ["    to try again: pouch retry \(delivery.id.shortForm)"]
        }
    }

    private var last: [String] {
        guard !status.journal.lastDelivered.isEmpty else { return [] }
        var table = Table()
        for delivery in status.journal.lastDelivered.prefix(5) {
            table.add(delivery.ended.map(\.description) ?? "", delivery.path, "to \(delivery.partner)", ByteText.of(delivery.size))
        }
        return ["", "  last delivered", table.rendered(indent: 4)]
    }

    private var accounts: String {
        let count = status.unaccounted
        guard count > 0 else { return "\n  " + style.good("unaccounted: 0") }
        let files =
            (status.account.strangers.map { "not in the journal: \($0)" } + status.account.missing.map { "not on disk: \($0)" })
            .prefix(20)
        return "\n  " + style.bad("unaccounted: \(count)") + files.map { "\n    \($0)" }.joined()
    }

    private func told(_ failure: RecordedFailure?) -> [String] {
        indented(failure.map { $0.cause + ($0.hint.map { "\nhint: \($0)" } ?? "") } ?? "")
    }

    private func indented(_ text: String) -> [String] {
        text.split(separator: "\n").map { "    \($0)" }
    }
}
