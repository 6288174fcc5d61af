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

    /// Files whose deliveries have all ended and whose source is still ours: the agent stopped before it was put away. In order of
    /// admission, page by page; files with other deliveries on their way may make a page shorter than the limit.
    package func endedFiles(after: Int64 = 0, limit: Int) async throws(JournalFailure) -> (files: [FileProgress], last: Int64?) {
        let page = try await lanes.read("look for ended files") { session in
            try session.rows(
                """
                \(FileColumns.select) WHERE f.finished IS NULL AND f.id > ? AND f.worst IN (\(FileStanding.delivered.rawValue),
                    \(FileStanding.quarantined.rawValue), \(FileStanding.unmatched.rawValue)) ORDER BY f.id LIMIT ?
                """,
                [after, limit],
                FileColumns.file(from:)
            )
        }
        var ended: [FileProgress] = []
        for file in page {
            if let progress = try await progress(ofFile: file.id), progress.isFinished { ended.append(progress) }
        }
        return (ended, page.last?.id)
    }

    /// Held and quarantined deliveries that were not tried again.
    ///
    /// - Parameter text: the first digits of the id; `nil`: all.
    package func stopped(matching text: String?) async throws(JournalFailure) -> [DeliverySummary] {
        var found: [DeliverySummary] = []
        for state in [DeliveryState.held, .quarantined] {
            var last: Int64 = 0
            while true {
                let page = try await stuck(state, after: last, limit: 512)
                guard let end = page.last else { break }
                found += page.filter { text == nil || $0.id.description.hasPrefix(text ?? "") }
                last = end.sequence
            }
        }
        return found
    }
}
