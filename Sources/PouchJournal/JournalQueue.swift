import FoundationEssentials
import GRDB
package import PouchKit

extension Journal {
    /// What can be tried now for a partner, in order of admission: never tried, or waited long enough. Deliveries whose
    /// attempt runs, held ones and ended ones are not among them; whether the partner is held is not looked at.
    ///
    /// - Parameter after: the sequence of the last one that is known; 0 to begin.
    package func due(partner: PartnerName, now: Timestamp, after: Int64 = 0, limit: Int) async throws(JournalFailure)
        -> [PendingDelivery]
    {
        try await lanes.due(partner: partner, now: now, after: after, limit: limit)
    }

    /// When the partner's next attempt is due; a time that is past means now, `nil` that nothing waits.
    package func nextDue(partner: PartnerName) async throws(JournalFailure) -> Timestamp? {
        try await lanes.nextDue(partner: partner)
    }

    /// Partners that have deliveries on their way or held, whether the configuration still names them or not.
    package func partnersWithWork() async throws(JournalFailure) -> [PartnerName] { try await lanes.partnersWithWork() }

    /// One delivery, in any state; `nil` when it is unknown.
    package func delivery(_ id: DeliveryID) async throws(JournalFailure) -> PendingDelivery? { try await lanes.delivery(id) }

    package func heldPartners() async throws(JournalFailure) -> [HeldPartner] { try await lanes.heldPartners() }

    /// Files whose source is still ours to look after, in order of admission, page by page: pass the last id that was seen.
    package func openFiles(after: Int64 = 0, limit: Int) async throws(JournalFailure) -> [JournalFile] {
        try await lanes.openFiles(after: after, limit: limit)
    }

    package func fileOfClaim(_ id: String) async throws(JournalFailure) -> JournalFile? { try await lanes.fileOfClaim(id) }

    /// The files that were admitted last, finished or not, the newest first.
    package func newestFiles(limit: Int) async throws(JournalFailure) -> [JournalFile] {
        try await lanes.newestFiles(limit: limit)
    }

    /// How far the deliveries of a file are; `nil` when it is unknown.
    package func progress(ofFile id: Int64) async throws(JournalFailure) -> FileProgress? { try await lanes.progress(ofFile: id) }

    /// All deliveries of a file that count, in order of admission.
    package func deliveries(ofFile id: Int64) async throws(JournalFailure) -> [PendingDelivery] {
        try await lanes.deliveries(ofFile: id)
    }

    /// `then: keep`: what was admitted last from that path; `nil` when nothing was.
    package func kept(folder: String, path: DropPath) async throws(JournalFailure) -> FileIdentity? {
        try await lanes.kept(folder: folder, path: path)
    }
}

extension JournalReader {
    package func due(
        partner: PartnerName,
        now: Timestamp,
        after: Int64,
        limit: Int
    ) async throws(JournalFailure) -> [PendingDelivery] {
        try await read("look for due deliveries to \(partner)") { session in
            guard let number = try session.word(partner.description) else { return [] }
            // Two ranges of one index: what was never tried is in order there; what waited is sorted.
            return try session.rows(
                """
                WITH ripe (id) AS (
                    SELECT * FROM (
                        SELECT id FROM delivery WHERE partner = ?1 AND due = 0 AND id > ?3 ORDER BY id LIMIT ?4)
                    UNION ALL
                    SELECT * FROM (
                        SELECT id FROM delivery WHERE partner = ?1 AND due > 0 AND due <= ?2 AND id > ?3 ORDER BY id LIMIT ?4)
                )
                \(DeliveryColumns.select(from: "ripe CROSS JOIN delivery d ON d.id = ripe.id"))
                ORDER BY ripe.id LIMIT ?4
                """,
                [number, now.nanoseconds, after, limit],
                DeliveryColumns.delivery(from:)
            )
        }
    }

    package func nextDue(partner: PartnerName) async throws(JournalFailure) -> Timestamp? {
        try await read("look for the next delivery to \(partner)") { session in
            guard let number = try session.word(partner.description) else { return nil }
            return try session.nextDue(number)
        }
    }

    package func partnersWithWork() async throws(JournalFailure) -> [PartnerName] {
        try await read("look for partners with deliveries") { session in
            try session.rows(
                """
                SELECT word.text FROM delivery_count c JOIN word ON word.id = c.partner
                WHERE c.measure BETWEEN 1 AND 5 GROUP BY c.partner HAVING sum(c.count) > 0 ORDER BY word.text
                """,
                [],
                { try $0.name() }
            )
        }
    }

    package func delivery(_ id: DeliveryID) async throws(JournalFailure) -> PendingDelivery? {
        try await read("look for delivery \(id)") { session in
            try session.first(
                DeliveryColumns.select(from: "delivery d") + " WHERE d.uuid = ?", [id.blob], DeliveryColumns.delivery(from:))
        }
    }

    package func heldPartners() async throws(JournalFailure) -> [HeldPartner] {
        try await read("look for held partners") { session in try session.heldPartners() }
    }

    package func openFiles(after: Int64, limit: Int) async throws(JournalFailure) -> [JournalFile] {
        try await read("look for open files") { session in
            try session.rows(
                FileColumns.select + " WHERE f.finished IS NULL AND f.id > ? ORDER BY f.id LIMIT ?",
                [after, limit],
                FileColumns.file(from:)
            )
        }
    }

    package func newestFiles(limit: Int) async throws(JournalFailure) -> [JournalFile] {
        try await read("look for the newest files") { session in
            try session.rows(FileColumns.select + " ORDER BY f.id DESC LIMIT ?", [limit], FileColumns.file(from:))
        }
    }

    package func fileOfClaim(_ id: String) async throws(JournalFailure) -> JournalFile? {
        try await read("look for claim \(id)") { session in
            try session.first(FileColumns.select + " WHERE f.claim = ?", [id], FileColumns.file(from:))
        }
    }

    package func progress(ofFile id: Int64) async throws(JournalFailure) -> FileProgress? {
        try await read("look for file \(id)") { session in try session.progress(ofFile: id) }
    }

    package func deliveries(ofFile id: Int64) async throws(JournalFailure) -> [PendingDelivery] {
        try await read("look for the deliveries of file \(id)") { session in
            try session.rows(
                DeliveryColumns.select(from: "delivery d") + " WHERE d.file = ? AND d.retried_by IS NULL ORDER BY d.id",
                [id],
                DeliveryColumns.delivery(from:)
            )
        }
    }

    package func kept(folder: String, path: DropPath) async throws(JournalFailure) -> FileIdentity? {
        try await read("look for what was taken from \(path)") { session in
            guard let number = try session.word(folder) else { return nil }
            return try session.first(
                "SELECT device, inode, birth, size, modified FROM kept WHERE folder = ? AND path = ?",
                [number, Data(path.bytes)],
                FileColumns.identity(from:)
            )
        }
    }
}

extension ReadSession {
    func nextDue(_ partner: Int64) throws -> Timestamp? {
        try number("SELECT min(due) FROM delivery WHERE partner = ? AND due IS NOT NULL", [partner])
            .map(Timestamp.init(nanoseconds:))
    }

    func progress(ofFile id: Int64) throws -> FileProgress? {
        guard let file = try first(FileColumns.select + " WHERE f.id = ?", [id], FileColumns.file(from:)) else { return nil }
        let states = try rows(
            "SELECT state FROM delivery WHERE file = ? AND retried_by IS NULL ORDER BY id", [id], { try $0.state() })
        return FileProgress(file: file, states: states)
    }

    func heldPartners() throws -> [HeldPartner] {
        try rows(
            """
            SELECT word.text, h.code, h.reason, h.since FROM held_partner h JOIN word ON word.id = h.partner ORDER BY word.text
            """
        ) { fields in
            HeldPartner(
                partner: try fields.name(), code: try fields.next(), reason: try fields.next(), since: try fields.time())
        }
    }
}
