import FoundationEssentials
import GRDB
import PouchKit

/// The columns of `PendingDelivery`.
enum DeliveryColumns {
    /// CROSS JOIN keeps SQLite from beginning with the words.
    static func select(from source: String) -> String {
        """
        SELECT d.id, d.uuid, partner.text, route.text, d.key, target.text, d.state, d.attempts, d.retries, d.due,
            c.stage, c.version, c.target, c.payload, x.at, x.code, x.attempt, x.cause, x.hint,
            \(SealColumns.list), \(FileColumns.list)
        FROM \(source)
            CROSS JOIN file f ON f.id = d.file \(FileColumns.joins)
            CROSS JOIN word partner ON partner.id = d.partner CROSS JOIN word route ON route.id = d.route
            LEFT JOIN word target ON target.id = d.target
            LEFT JOIN checkpoint c ON c.delivery = d.id LEFT JOIN failure x ON x.delivery = d.id \(SealColumns.join)
        """
    }

    static func delivery(from fields: Fields) throws -> PendingDelivery {
        let sequence: Int64 = try fields.next()
        let id = try fields.deliveryID()
        let partner: PartnerName = try fields.name()
        let route: RouteName = try fields.name()
        let key = try DeliveryKey(try fields.next(String.self))
        let target = try fields.next(String?.self).map(TargetFingerprint.init)
        let state = try fields.state()
        let attempts: Int = try fields.next()
        let retries = try fields.deliveryIDIfAny()
        let due: Int64? = try fields.next()
        let checkpoint = try checkpoint(from: fields)
        let failure = try failure(from: fields)
        let seal = try SealColumns.seal(from: fields)
        return PendingDelivery(
            sequence: sequence,
            id: id,
            file: try FileColumns.file(from: fields),
            partner: partner,
            route: route,
            key: key,
            target: target,
            state: state,
            attempts: attempts,
            checkpoint: checkpoint,
            retries: retries,
            notBefore: due.flatMap { $0 == 0 ? nil : Timestamp(nanoseconds: $0) },
            failure: failure,
            seal: seal
        )
    }

    private static func checkpoint(from fields: Fields) throws -> Checkpoint? {
        guard let stage = try fields.next(String?.self) else {
            fields.skip(3)
            return nil
        }
        return Checkpoint(
            stage: try StageName(stage),
            version: try fields.next(),
            target: TargetFingerprint(try fields.next()),
            payload: try fields.bytes()
        )
    }

    static func failure(from fields: Fields) throws -> RecordedFailure? {
        guard let at = try fields.timeIfAny() else {
            fields.skip(4)
            return nil
        }
        return RecordedFailure(
            at: at, code: try fields.next(), attempt: try fields.next(), cause: try fields.next(), hint: try fields.next())
    }
}

/// The columns of `SealRecord`.
enum SealColumns {
    static let list = "s.size, s.sha256, s.crc64nvme, s.recipients"
    static let join = "LEFT JOIN seal s ON s.delivery = d.id"

    /// `nil` for a delivery whose file was not sealed.
    static func seal(from fields: Fields) throws -> SealRecord? {
        guard let size = try fields.next(Int64?.self) else {
            fields.skip(3)
            return nil
        }
        let digests = FileColumns.digests(try fields.next(Data?.self), try fields.next(Int64?.self))
        let recipients = try fields.bytes()
        guard let digests else { throw Refusal(.damaged, "a sealed file has no digests") }
        return SealRecord(
            size: size,
            digests: digests,
            recipients: try stride(from: 0, to: recipients.count, by: 32).map { start in
                guard let digest = SHA256Digest(bytes: Array(recipients[start...].prefix(32))) else {
                    throw Refusal(.damaged, "a recipient's digest has not 32 bytes")
                }
                return digest
            }
        )
    }
}
