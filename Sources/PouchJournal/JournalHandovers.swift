import FoundationEssentials
import GRDB
package import PouchKit

/// A delivery that another publisher finishes, and what our own part of it came to.
package struct HandedOver: Hashable, Sendable {
    package let delivery: PendingDelivery
    package let receipt: Receipt

    package init(delivery: PendingDelivery, receipt: Receipt) {
        self.delivery = delivery
        self.receipt = receipt
    }
}

extension Journal {
    /// Deliveries that were handed over and of whose end no word came, in order of admission, page by page.
    package func handedOver(
        to partner: PartnerName, after: Int64 = 0, limit: Int
    ) async throws(JournalFailure) -> [HandedOver] {
        try await lanes.read("look for deliveries to \(partner) that others finish") { session in
            guard let number = try session.word(partner.description) else { return [] }
            let deliveries = try session.rows(
                DeliveryColumns.select(from: "handed_over h CROSS JOIN delivery d ON d.id = h.delivery")
                    + " WHERE h.partner = ? AND h.delivery > ? ORDER BY h.delivery LIMIT ?",
                [number, after, limit],
                DeliveryColumns.delivery(from:))
            return try deliveries.compactMap { delivery in
                let body = try session.first(
                    "SELECT r.body FROM receipt r JOIN delivery d ON d.line = r.line WHERE d.id = ?", [delivery.sequence],
                    { try $0.bytes() })
                return try body.map {
                    HandedOver(delivery: delivery, receipt: try JSONDecoder().decode(Receipt.self, from: Data($0)))
                }
            }
        }
    }

    /// Word came: a second line in the manifest tells the whole way, in one transaction with the receipt. The delivery was delivered
    /// before, as far as we are concerned, and stays so.
    ///
    /// Confirming it again writes no third line.
    ///
    /// - Returns (the ticket): whether this was news.
    @discardableResult
    package func confirm(
        _ delivery: DeliveryID, receipt: Receipt, at: Timestamp, entry: @escaping EntryWriter
    ) -> Ticket<Bool> {
        let attempt = "record the end of delivery \(delivery)"
        let body: Data
        do {
            body = try JSONEncoder().encode(receipt)
        } catch {
            return Ticket(
                failed: JournalFailure(.other, attempt: attempt, cause: "the receipt cannot be written as JSON: \(error)"))
        }
        return submit(.confirm, attempt) { session in
            let row = try session.delivery(delivery)
            try session.run("DELETE FROM handed_over WHERE delivery = ?", [row.sequence])
            guard session.db.changesCount > 0 else { return false }
            let former = try session.first("SELECT line FROM delivery WHERE id = ?", [row.sequence])
            let line = try session.appendLine(entry)
            if let former { try session.run("DELETE FROM receipt WHERE line = ?", [try Fields(former).next(Int64?.self)]) }
            try session.run("UPDATE delivery SET line = ? WHERE id = ?", [line, row.sequence])
            try session.run("INSERT INTO receipt (line, delivery, body) VALUES (?, ?, ?)", [line, row.sequence, body])
            try session.record(.delivered, file: row.file, delivery: row.sequence, at: at, receipt.location)
            return true
        }
    }
}
