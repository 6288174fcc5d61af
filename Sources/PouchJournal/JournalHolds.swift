import GRDB
package import PouchKit

extension Journal {
    /// The partner waits for a person, across restarts, until `release`. Its deliveries stay what they are.
    ///
    /// - Returns (the ticket): true when this is news: the partner was not held, or for another code.
    @discardableResult
    package func hold(_ partner: PartnerName, code: String, reason: String, at: Timestamp) -> Ticket<Bool> {
        submit(.hold, "hold \(partner)") { session in
            let number = try session.word(partner.description)
            let former = try session.first("SELECT code FROM held_partner WHERE partner = ?", [number])
            if let former, try Fields(former).next(String.self) == code { return false }
            try session.run(
                """
                INSERT INTO held_partner (partner, code, reason, since) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET code = excluded.code, reason = excluded.reason, since = excluded.since
                """,
                [number, code, reason.shortened, at.nanoseconds]
            )
            return true
        }
    }

    /// A person acted: the partner is not held any more, and all its held deliveries wait again.
    @discardableResult
    package func release(_ partner: PartnerName, at: Timestamp) -> Ticket<Release> {
        submit(.release, "release \(partner)") { session in
            let number = try session.word(partner.description)
            try session.run("DELETE FROM held_partner WHERE partner = ?", [number])
            let wasHeld = session.db.changesCount > 0
            return Release(wasHeld: wasHeld, deliveries: try session.releaseAll(of: number, at: at))
        }
    }

    /// What held the partner under this code is over by itself. Another hold stays, and so do deliveries that are held alone.
    @discardableResult
    package func endHold(_ partner: PartnerName, code: String) -> Ticket<Void> {
        submit(.release, "end the hold of \(partner)") { session in
            try session.run(
                "DELETE FROM held_partner WHERE partner = ? AND code = ?", [try session.word(partner.description), code])
        }
    }

    /// A person wants it tried again. A held delivery waits again, under its own id. For a quarantined one, which keeps its
    /// state and its line in the manifest, a new delivery with `retries` is admitted.
    ///
    /// - Throws (the ticket): `.outOfPlace` when the delivery is neither, or was retried before; `.unknown`.
    @discardableResult
    package func retry(_ delivery: DeliveryID, as new: DeliveryID, at: Timestamp) -> Ticket<RetryOutcome> {
        submit(.retry, "retry delivery \(delivery)") { session in
            let row = try session.delivery(delivery)
            switch row.state {
            case .held:
                try session.releaseOne(row, at: at)
                return .waitingAgain(try session.progress(of: row.file))
            case .quarantined:
                guard !row.wasRetried else { throw Refusal(.outOfPlace, "delivery \(delivery) was retried before") }
                try session.renew(row, as: new, at: at)
                return .newDelivery(new, try session.progress(of: row.file))
            case .waiting, .storing, .stored, .publishing, .delivered: throw row.refusal
            }
        }
    }

    /// Whatever waits for a time beyond `limit` becomes due at `time`: a partner may be there again, or the clock was set back.
    ///
    /// - Parameter partner: `nil`: of all partners.
    /// - Returns (the ticket): how many deliveries that were.
    @discardableResult
    package func bringForward(of partner: PartnerName? = nil, waitsBeyond limit: Timestamp, to time: Timestamp) -> Ticket<Int> {
        submit(.bringForward, "bring forward what waits beyond \(limit)") { session in
            let partners =
                try partner.map { [try session.word($0.description)] }
                ?? Int64.fetchAll(session.db.cachedStatement(sql: "SELECT id FROM word"))
            var moved = 0
            for partner in partners {
                try session.run(
                    "UPDATE delivery SET due = ? WHERE partner = ? AND due > ?",
                    [max(time.nanoseconds, 1), partner, limit.nanoseconds]
                )
                moved += session.db.changesCount
            }
            return moved
        }
    }
}

extension WriteSession {
    /// Page by page: there may be many.
    fileprivate func releaseAll(of partner: Int64, at: Timestamp) throws -> Int {
        var count = 0
        while true {
            let held = try deliveries(
                """
                SELECT uuid FROM delivery INDEXED BY delivery_stuck
                WHERE state = 5 AND state >= 5 AND retried_by IS NULL AND partner = ? ORDER BY id LIMIT 1000
                """,
                [partner]
            )
            if held.isEmpty { return count }
            for row in held { try releaseOne(row, at: at) }
            count += held.count
        }
    }

    fileprivate func releaseOne(_ row: DeliveryRow, at: Timestamp) throws {
        let hasCheckpoint = try number("SELECT 1 FROM checkpoint WHERE delivery = ?", [row.sequence]) != nil
        try move(row, to: .waiting, due: 0)
        try record(
            .released, file: row.file, delivery: row.sequence, at: at, hasCheckpoint ? "it goes on where it was" : "it begins again"
        )
    }

    fileprivate func renew(_ row: DeliveryRow, as new: DeliveryID, at: Timestamp) throws {
        let sequence = try insertDelivery(
            new,
            ofFile: row.file,
            DeliveryPlan(partner: row.partner, route: row.route, key: row.key, target: row.target, retries: row.id),
            state: .waiting
        )
        try run("UPDATE delivery SET retried_by = ? WHERE id = ?", [new.blob, row.sequence])
        try run("UPDATE file SET finished = NULL WHERE id = ?", [row.file])
        count(row.folder, row.partner, StateCode.admitted, by: 1)
        count(row.folder, row.partner, StateCode.code(of: .waiting), by: 1)
        count(row.folder, row.partner, StateCode.retried, by: 1)
        try updateStanding(file: row.file, folder: row.folder)
        try record(.retried, file: row.file, delivery: row.sequence, at: at, "as delivery \(new)")
        try record(.retried, file: row.file, delivery: sequence, at: at, "takes up delivery \(row.id)")
    }
}
