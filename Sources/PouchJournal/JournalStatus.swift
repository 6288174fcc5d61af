import GRDB
package import PouchKit

extension Journal {
    /// The state of everything. It reads counters and short lists, so that its cost does not grow with the queue.
    package func snapshot(now: Timestamp) async throws(JournalFailure) -> JournalSnapshot { try await observers.snapshot(now: now) }

    /// Deliveries that wait for a person (`.held`), or were quarantined and not tried again, page by page in order of
    /// admission.
    package func stuck(_ state: DeliveryState, after: Int64 = 0, limit: Int) async throws(JournalFailure) -> [DeliverySummary] {
        try await observers.stuck(state, after: after, limit: limit)
    }
}

extension JournalReader {
    package func snapshot(now: Timestamp) async throws(JournalFailure) -> JournalSnapshot {
        try await read("read the state of the journal") { session in try session.snapshot(now: now) }
    }

    package func stuck(_ state: DeliveryState, after: Int64, limit: Int) async throws(JournalFailure) -> [DeliverySummary] {
        try await read("list what is \(state.rawValue)") { session in try session.stuck(state, after: after, limit: limit) }
    }
}

extension ReadSession {
    fileprivate func snapshot(now: Timestamp) throws -> JournalSnapshot {
        let counts = try deliveryCounts()
        guard
            let (agent, chain) = try first(
                "SELECT agent, chain_sequence, chain_previous FROM journal", [], { (try $0.next(String.self), try $0.chain()) })
        else { throw JournalFailure.missingRow("journal") }
        return JournalSnapshot(
            at: now,
            agent: agent,
            total: counts.reduce(into: DeliveryCounts()) { $0.add($1.count, to: $1.measure) },
            partners: try partners(counts),
            folders: try folders(counts),
            heldPartners: try heldPartners(),
            lastDelivered: try lastDelivered(limit: 20),
            held: try stuck(.held, after: 0, limit: 100),
            quarantined: try stuck(.quarantined, after: 0, limit: 100),
            manifest: chain,
            unwrittenLines: Int(try number("SELECT count(*) FROM outbox") ?? 0)
        )
    }

    private struct Count {
        let folder: Int64
        let partner: Int64
        let measure: Int64
        let count: Int
    }

    private func deliveryCounts() throws -> [Count] {
        try rows("SELECT folder, partner, measure, count FROM delivery_count") { fields in
            Count(folder: try fields.next(), partner: try fields.next(), measure: try fields.next(), count: try fields.next())
        }
    }

    private func partners(_ counts: [Count]) throws -> [PartnerSummary] {
        try Dictionary(grouping: counts, by: \.partner).map { partner, counts in
            PartnerSummary(
                partner: try PartnerName(try text(of: partner)),
                counts: counts.reduce(into: DeliveryCounts()) { $0.add($1.count, to: $1.measure) },
                oldestWaiting: try oldestWaiting(partner),
                nextAttempt: try nextDue(partner),
                retrying: try retrying(partner)
            )
        }.sorted { $0.partner < $1.partner }
    }

    private func folders(_ counts: [Count]) throws -> [FolderSummary] {
        let deliveries = Dictionary(grouping: counts, by: \.folder)
        var files: [Int64: FileCounts] = [:]
        let fileCounts = try rows("SELECT folder, measure, count FROM file_count") { fields in
            (folder: try fields.next(Int64.self), measure: try fields.next(Int64.self), count: try fields.next(Int.self))
        }
        for row in fileCounts { files[row.folder, default: FileCounts()].add(row.count, to: row.measure) }
        return try files.map { folder, files in
            FolderSummary(
                folder: try text(of: folder),
                files: files,
                deliveries: (deliveries[folder] ?? []).reduce(into: DeliveryCounts()) { $0.add($1.count, to: $1.measure) }
            )
        }.sorted { $0.folder < $1.folder }
    }

    /// The oldest is the first of those never tried, one of those that wait for their next attempt, or one that runs.
    private func oldestWaiting(_ partner: Int64) throws -> Timestamp? {
        try first(
            """
            SELECT f.admitted FROM delivery d JOIN file f ON f.id = d.file WHERE d.id = (
                SELECT min(id) FROM (
                    SELECT min(id) AS id FROM delivery WHERE partner = ?1 AND due = 0
                    UNION ALL SELECT min(id) FROM delivery WHERE partner = ?1 AND due > 0
                    UNION ALL SELECT min(id) FROM delivery WHERE partner = ?1 AND due IS NULL AND state BETWEEN 1 AND 4))
            """,
            [partner],
            { try $0.time() }
        )
    }

    /// Those that were never tried are due at 0.
    private func retrying(_ partner: Int64) throws -> DeliverySummary? {
        try first(
            SummaryColumns.select(from: "delivery d") + " WHERE d.partner = ? AND d.due > 0 ORDER BY d.due LIMIT 1", [partner],
            SummaryColumns.summary(from:))
    }

    private func text(of word: Int64) throws -> String {
        guard let text = try first("SELECT text FROM word WHERE id = ?", [word], { try $0.next(String.self) }) else {
            throw JournalFailure.missingRow("word")
        }
        return text
    }

    private func lastDelivered(limit: Int) throws -> [DeliverySummary] {
        try rows(
            SummaryColumns.select(from: "receipt CROSS JOIN delivery d ON d.id = receipt.delivery")
                + " ORDER BY receipt.line DESC LIMIT ?",
            [limit],
            SummaryColumns.summary(from:)
        )
    }

    /// The condition repeats that of the partial index.
    fileprivate func stuck(_ state: DeliveryState, after: Int64, limit: Int) throws -> [DeliverySummary] {
        try rows(
            """
            \(SummaryColumns.select(from: "delivery d"))
            WHERE d.state = ? AND d.state >= 5 AND d.retried_by IS NULL AND d.id > ? ORDER BY d.id LIMIT ?
            """,
            [StateCode.code(of: state), after, limit],
            SummaryColumns.summary(from:)
        )
    }
}

extension DeliveryCounts {
    fileprivate mutating func add(_ count: Int, to measure: Int64) {
        switch measure {
        case StateCode.admitted: admitted += count
        case StateCode.retried: retried += count
        default:
            switch StateCode.state(of: measure) {
            case .waiting: waiting += count
            case .storing: storing += count
            case .stored: stored += count
            case .publishing: publishing += count
            case .delivered: delivered += count
            case .held: held += count
            case .quarantined: quarantined += count
            case nil: break
            }
        }
    }
}

extension FileCounts {
    fileprivate mutating func add(_ count: Int, to measure: Int64) {
        if measure == FileStanding.admitted {
            admitted += count
            return
        }
        switch FileStanding(rawValue: measure) {
        case .onTheWay: onTheWay += count
        case .delivered: delivered += count
        case .held: held += count
        case .quarantined: quarantined += count
        case .unmatched: unmatched += count
        case nil: break
        }
    }
}
