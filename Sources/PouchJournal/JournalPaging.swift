import GRDB
package import PouchKit

/// What the agent's loops ask from time to time.
extension Journal {
    /// Changes nothing. Its ticket says that everything submitted before is on disk or has failed.
    package func flush() -> Ticket<Void> { submit(.flush, "reach the disk") { _ in } }

    /// When the first of those that wait longer than that is due; `nil` when nothing does.
    package func nextDue(partner: PartnerName, after time: Timestamp) async throws(JournalFailure) -> Timestamp? {
        try await lanes.read("look for the next delivery to \(partner)") { session in
            guard let number = try session.word(partner.description) else { return nil }
            return try session.number("SELECT min(due) FROM delivery WHERE partner = ? AND due > ?", [number, time.nanoseconds])
                .map(Timestamp.init(nanoseconds:))
        }
    }

    /// Files whose deliveries have all ended and whose source is still ours: the agent stopped before it was put away. In
    /// order of admission, page by page: go on after `last` until that is `nil`; files with other deliveries on their way
    /// make a page shorter than the limit.
    package func endedFiles(after: Int64 = 0, limit: Int) async throws(JournalFailure) -> (files: [FileProgress], last: Int64?) {
        try await lanes.read("look for ended files") { session in
            let page = try session.rows(
                """
                SELECT id FROM file INDEXED BY file_ended
                WHERE finished IS NULL AND worst IN (0, 6, 9) AND id > ? ORDER BY id LIMIT ?
                """,
                [after, limit],
                { try $0.next(Int64.self) }
            )
            let files = try page.compactMap { try session.progress(ofFile: $0) }
            return (files.filter(\.isFinished), page.last)
        }
    }

    /// Held and quarantined deliveries that were not tried again, in order of admission.
    ///
    /// - Parameter text: the first digits of the id; `nil`: all.
    package func stopped(matching text: String?) async throws(JournalFailure) -> [DeliverySummary] {
        var found: [DeliverySummary] = []
        for state in [DeliveryState.held, .quarantined] {
            var last: Int64 = 0
            while let end = try await stopped(state, matching: text, after: last, into: &found) { last = end }
        }
        return found.sorted { $0.sequence < $1.sequence }
    }

    private func stopped(
        _ state: DeliveryState,
        matching text: String?,
        after last: Int64,
        into found: inout [DeliverySummary]
    ) async throws(JournalFailure) -> Int64? {
        let page = try await stuck(state, after: last, limit: 512)
        found += page.filter { delivery in text.map { delivery.id.description.hasPrefix($0) } ?? true }
        return page.last?.sequence
    }
}
