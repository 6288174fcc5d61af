import FoundationEssentials
import GRDB
package import PouchKit

extension Journal {
    /// An attempt begins. Nothing that the partner can see may be sent before the ticket is redeemed.
    ///
    /// - Parameter stage: `.storing` or `.publishing`.
    /// - Throws (the ticket): `.outOfPlace` when the delivery is held or has ended, or the state names no stage; `.unknown`.
    @discardableResult
    package func begin(_ delivery: DeliveryID, attempt: Int, stage: DeliveryState, at: Timestamp) -> Ticket<Void> {
        submit(.begin, "record attempt \(attempt) of delivery \(delivery)") { session in
            let row = try session.delivery(delivery)
            guard row.state.isOnTheWay else { throw row.refusal }
            guard stage == .storing || stage == .publishing else {
                throw Refusal(.outOfPlace, "an attempt is storing or publishing, not \(stage.rawValue)")
            }
            try session.move(row, to: stage, due: nil)
            try session.run("UPDATE delivery SET attempts = ? WHERE id = ?", [attempt, row.sequence])
            try session.record(.began, file: row.file, delivery: row.sequence, at: at, "attempt \(attempt), \(stage.rawValue)")
        }
    }

    /// Keeps how far a delivery got. The state says which stage was reached or runs now.
    ///
    /// - Throws (the ticket): `.outOfPlace` when the delivery is held or has ended; `.unknown`.
    @discardableResult
    package func save(_ checkpoint: Checkpoint, of delivery: DeliveryID, state: DeliveryState, at: Timestamp) -> Ticket<Void> {
        submit(.save, "save the checkpoint of delivery \(delivery)") { session in
            let row = try session.delivery(delivery)
            guard row.state.isOnTheWay, state.isOnTheWay else { throw row.refusal }
            if row.state != state {
                // The attempt goes on: it is not due.
                try session.move(row, to: state, due: nil)
                try session.record(
                    .reached, file: row.file, delivery: row.sequence, at: at, "\(state.rawValue), checkpoint \(checkpoint.stage)"
                )
            }
            try session.run(
                """
                INSERT INTO checkpoint (delivery, stage, version, target, payload) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET stage = excluded.stage, version = excluded.version, target = excluded.target,
                    payload = excluded.payload
                """,
                [
                    row.sequence, checkpoint.stage.description, checkpoint.version, checkpoint.target.description,
                    Data(checkpoint.payload),
                ]
            )
        }
    }

    /// Keeps the digests of the file that this delivery delivers, for all its partners.
    @discardableResult
    package func record(digests: FileDigests, ofFileOf delivery: DeliveryID) -> Ticket<Void> {
        submit(.record, "record the digests of delivery \(delivery)") { session in
            try session.keep(digests, ofFile: try session.delivery(delivery).file)
        }
    }

    /// The file was sealed for this delivery, and the sealed file is durable: from now on every attempt delivers these bytes. A checkpoint of
    /// what was delivered before is forgotten: abandon it first.
    ///
    /// - Parameter digests: of the file itself.
    /// - Throws (the ticket): `.outOfPlace` when the delivery is held or has ended; `.unknown`.
    @discardableResult
    package func record(_ seal: SealRecord, of digests: FileDigests, for delivery: DeliveryID, at: Timestamp) -> Ticket<Void> {
        submit(.record, "record the seal of delivery \(delivery)") { session in
            let row = try session.delivery(delivery)
            guard row.state.isOnTheWay else { throw row.refusal }
            try session.keep(digests, ofFile: row.file)
            try session.forgetCheckpoint(of: row.sequence)
            try session.run(
                """
                INSERT INTO seal (delivery, size, sha256, crc64nvme, recipients) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET size = excluded.size, sha256 = excluded.sha256, crc64nvme = excluded.crc64nvme,
                    recipients = excluded.recipients
                """,
                [
                    row.sequence, seal.size, seal.digests.sha256.blob, Int64(bitPattern: seal.digests.crc64nvme.value),
                    Data(seal.recipients.flatMap(\.bytes)),
                ]
            )
            let count = seal.recipients.count
            try session.record(
                .sealed, file: row.file, delivery: row.sequence, at: at,
                "\(seal.size) bytes, for \(count) certificate\(count == 1 ? "" : "s"), sha256 \(seal.digests.sha256)"
            )
        }
    }

    /// The delivery is done: state, receipt, manifest line and head of the chain in one transaction. The source may be
    /// touched when the ticket is redeemed, not before.
    ///
    /// Completing a delivered one again writes no second line.
    ///
    /// - Parameter isHandedOver: Another publisher finishes; `handedOver` gives it until `confirm`.
    /// - Throws (the ticket): `.outOfPlace` when the delivery was quarantined; `.unknown`.
    @discardableResult
    package func complete(
        _ delivery: DeliveryID,
        receipt: Receipt,
        isHandedOver: Bool = false,
        at: Timestamp,
        entry: @escaping EntryWriter
    ) -> Ticket<FileProgress> {
        let attempt = "complete delivery \(delivery)"
        let body: Data
        do {
            body = try JSONEncoder().encode(receipt)
        } catch {
            return Ticket(
                failed: JournalFailure(.other, attempt: attempt, cause: "the receipt cannot be written as JSON: \(error)"))
        }
        return submit(.complete, attempt) { session in
            let row = try session.delivery(delivery)
            switch row.state {
            case .delivered: return try session.progress(of: row.file)
            case .quarantined: throw row.refusal
            case .waiting, .storing, .stored, .publishing, .held: break
            }
            try session.move(row, to: .delivered, due: nil)
            let line = try session.end(row, at: at, entry)
            try session.run("INSERT INTO receipt (line, delivery, body) VALUES (?, ?, ?)", [line, row.sequence, body])
            try session.run("DELETE FROM failure WHERE delivery = ?", [row.sequence])
            if isHandedOver {
                try session.run("INSERT INTO handed_over (delivery, partner) VALUES (?, ?)", [row.sequence, row.partner])
            }
            try session.record(.delivered, file: row.file, delivery: row.sequence, at: at, receipt.location)
            return try session.progress(of: row.file)
        }
    }

    /// The attempt failed; `next` says what comes after it.
    ///
    /// Quarantining a quarantined delivery again writes no second line.
    ///
    /// - Throws (the ticket): `.outOfPlace` when the delivery has ended otherwise; `.unknown`.
    @discardableResult
    package func fail(
        _ delivery: DeliveryID,
        failure: DeliveryFailure,
        at: Timestamp,
        next: AfterFailure
    ) -> Ticket<FileProgress> {
        submit(.fail, "record the failure of delivery \(delivery)") { session in
            let row = try session.delivery(delivery)
            if row.state == .quarantined, case .quarantined = next { return try session.progress(of: row.file) }
            guard !row.state.isFinal else { throw row.refusal }
            try session.remember(failure, of: row.sequence, at: at)
            switch next {
            case .retry(let time):
                // 0 means at once, whatever the clock says.
                try session.move(row, to: row.state.afterInterruption, due: max(time.nanoseconds, 1))
                try session.record(
                    .failed, file: row.file, delivery: row.sequence, at: at, "\(failure.description)\nagain at \(time)"
                )
            case .held:
                try session.move(row, to: .held, due: nil)
                try session.record(.held, file: row.file, delivery: row.sequence, at: at, failure.description)
            case .quarantined(let entry):
                try session.move(row, to: .quarantined, due: nil)
                _ = try session.end(row, at: at, entry)
                try session.record(.quarantined, file: row.file, delivery: row.sequence, at: at, failure.description)
            }
            return try session.progress(of: row.file)
        }
    }
}

extension WriteSession {
    fileprivate func keep(_ digests: FileDigests, ofFile file: Int64) throws {
        try run(
            "UPDATE file SET sha256 = ?, crc64nvme = ? WHERE id = ?",
            [digests.sha256.blob, Int64(bitPattern: digests.crc64nvme.value), file]
        )
    }

    fileprivate func end(_ row: DeliveryRow, at: Timestamp, _ entry: EntryWriter) throws -> Int64 {
        let line = try appendLine(entry)
        try run("UPDATE delivery SET ended = ?, line = ? WHERE id = ?", [at.nanoseconds, line, row.sequence])
        try forgetCheckpoint(of: row.sequence)
        return line
    }
}

extension DeliveryRow {
    var refusal: Refusal { Refusal(.outOfPlace, "delivery \(id) is \(state.rawValue)") }
}

extension DeliveryState {
    var isOnTheWay: Bool {
        switch self {
        case .waiting, .storing, .stored, .publishing: true
        case .delivered, .held, .quarantined: false
        }
    }

    /// What a delivery is when its attempt ends without success: what was stored stays stored.
    var afterInterruption: DeliveryState { self == .stored || self == .publishing ? .stored : .waiting }
}
