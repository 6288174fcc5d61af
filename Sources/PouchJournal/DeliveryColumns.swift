import FoundationEssentials
import GRDB
import PouchKit

/// The columns of `PendingDelivery`.
enum DeliveryColumns {
    /// CROSS JOIN keeps SQLite from beginning with the words.
    static func select(from source: String) -> String {
        """
        SELECT d.id, d.uuid, partner.text, route.text, d.key, target.text, d.state, d.attempts, d.retries, d.due,
            c.stage, c.version, c.target, c.payload, x.at, x.code, x.attempt, x.cause, x.hint, \(FileColumns.list)
        FROM \(source)
            CROSS JOIN file f ON f.id = d.file \(FileColumns.joins)
            CROSS JOIN word partner ON partner.id = d.partner CROSS JOIN word route ON route.id = d.route
            LEFT JOIN word target ON target.id = d.target
            LEFT JOIN checkpoint c ON c.delivery = d.id LEFT JOIN failure x ON x.delivery = d.id
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
            failure: failure
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
