import GRDB
import PouchKit

/// The columns of `DeliverySummary`.
enum SummaryColumns {
    static let list = """
        d.id, d.uuid, partner.text, route.text, folder.text, f.path, f.size, d.key, d.state, d.attempts, d.ended,
        x.at, x.code, x.attempt, x.cause, x.hint
        """

    static func select(from source: String, more: String = "") -> String {
        """
        SELECT \(list)\(more)
        FROM \(source)
            CROSS JOIN file f ON f.id = d.file CROSS JOIN word folder ON folder.id = f.folder
            CROSS JOIN word partner ON partner.id = d.partner CROSS JOIN word route ON route.id = d.route
            LEFT JOIN failure x ON x.delivery = d.id
        """
    }

    static func summary(from fields: Fields) throws -> DeliverySummary {
        DeliverySummary(
            sequence: try fields.next(),
            id: try fields.deliveryID(),
            partner: try fields.name(),
            route: try fields.name(),
            folder: try fields.next(),
            path: VisibleText.escaped(try fields.bytes()),
            size: try fields.next(),
            key: try DeliveryKey(try fields.next(String.self)),
            state: try fields.state(),
            attempts: try fields.next(),
            ended: try fields.timeIfAny(),
            failure: try DeliveryColumns.failure(from: fields)
        )
    }
}
