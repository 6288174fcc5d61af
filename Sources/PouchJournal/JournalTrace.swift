import FoundationEssentials
import GRDB
import PouchKit

extension Journal {
    /// The stories of the deliveries that the text names: a path in a drop folder, an absolute path, the last part of a
    /// path, or a delivery id or at least its first eight digits. The newest first, at most a hundred.
    ///
    /// By path, it reads through all files: for a person, not for a loop.
    package func trace(_ text: String) async throws(JournalFailure) -> [DeliveryStory] { try await observers.trace(text) }
}

extension JournalReader {
    package func trace(_ text: String) async throws(JournalFailure) -> [DeliveryStory] {
        try await read("trace \(VisibleText.escaped(text))") { session in
            var deliveries = try session.deliveries(withID: text)
            if deliveries.isEmpty { deliveries = try session.deliveries(ofFiles: session.files(named: text)) }
            return try deliveries.map { try session.story(of: $0) }
        }
    }
}

extension ReadSession {
    private static let limit = 100

    fileprivate func deliveries(withID text: String) throws -> [Int64] {
        guard (8...32).contains(text.utf8.count),
            let first = Hexadecimal.bytes(of: text + (text.utf8.count.isMultiple(of: 2) ? "" : "0")),
            let last = Hexadecimal.bytes(of: text + String(repeating: "f", count: 32 - text.utf8.count))
        else { return [] }
        return try rows(
            "SELECT id FROM delivery WHERE uuid BETWEEN ? AND ? ORDER BY id DESC LIMIT \(Self.limit)",
            [Data(first), Data(last)],
            { try $0.next() }
        )
    }

    fileprivate func files(named text: String) throws -> [Int64] {
        let bytes = Data(text.utf8)
        let condition =
            text.hasPrefix("/")
            ? "CAST(folder.text || '/' || f.path AS BLOB) = ?1"
            : "f.path = ?1 OR substr(f.path, -length(?1) - 1) = CAST('/' || ?1 AS BLOB)"
        let exact = try rows(
            """
            SELECT f.id FROM file f CROSS JOIN word folder ON folder.id = f.folder
            WHERE \(condition) ORDER BY f.id DESC LIMIT \(Self.limit)
            """,
            [bytes],
            { try $0.next(Int64.self) }
        )
        guard exact.isEmpty, text.contains("\\") else { return exact }
        return try files(shownAs: text)
    }

    /// A name that cannot be typed is given as it is shown: escaped.
    private func files(shownAs text: String) throws -> [Int64] {
        var found: [Int64] = []
        let all = try db.cachedStatement(sql: "SELECT id, path FROM file ORDER BY id DESC")
        try forEachRow(all) { fields in
            let id: Int64 = try fields.next()
            let path = VisibleText.escaped(try fields.bytes())
            if path == text || path.hasSuffix("/" + text) { found.append(id) }
            return found.count < Self.limit
        }
        return found
    }

    fileprivate func deliveries(ofFiles files: [Int64]) throws -> [Int64] {
        var deliveries: [Int64] = []
        for file in files where deliveries.count < Self.limit {
            deliveries += try rows("SELECT id FROM delivery WHERE file = ? ORDER BY id DESC", [file]) { try $0.next() }
        }
        return deliveries
    }

    fileprivate func story(of delivery: Int64) throws -> DeliveryStory {
        let found = try first(
            SummaryColumns.select(
                from: "delivery d LEFT JOIN checkpoint c ON c.delivery = d.id LEFT JOIN receipt ON receipt.line = d.line"
                    + " \(SealColumns.join)",
                more:
                    ", f.id, f.path, f.admitted, f.sha256, f.crc64nvme, d.retries, d.retried_by, d.due, c.stage, receipt.body,"
                    + " d.line, \(SealColumns.list)"
            ) + " WHERE d.id = ?",
            [delivery],
            { try story($0, of: delivery) }
        )
        guard let found else { throw JournalFailure.missingRow("delivery") }
        return found
    }

    private func story(_ fields: Fields, of delivery: Int64) throws -> DeliveryStory {
        let summary = try SummaryColumns.summary(from: fields)
        let file: Int64 = try fields.next()
        let path = try fields.bytes()
        let admitted = try fields.time()
        let digests = FileColumns.digests(try fields.next(Data?.self), try fields.next(Int64?.self))
        let retries = try fields.deliveryIDIfAny()
        let retriedBy = try fields.deliveryIDIfAny()
        let due: Int64? = try fields.next()
        let stage = try fields.next(String?.self)
        let receipt = try fields.next(Data?.self)
        let line: Int64? = try fields.next()
        let seal = try SealColumns.seal(from: fields)
        return DeliveryStory(
            summary: summary,
            pathBytes: String(validating: path, as: UTF8.self) == nil ? Base64.text(of: path) : nil,
            admitted: admitted,
            digests: digests,
            seal: seal,
            retries: retries,
            retriedBy: retriedBy,
            nextAttempt: due.map(Timestamp.init(nanoseconds:)),
            checkpointStage: try stage.map { text throws(NameError) in try StageName(text) },
            receipt: try receipt.map { try JSONDecoder().decode(Receipt.self, from: $0) },
            manifestSequence: line,
            events: try events(ofFile: file, delivery: delivery, admitted: admitted)
        )
    }

    private func events(ofFile file: Int64, delivery: Int64, admitted: Timestamp) throws -> [StoryEvent] {
        let later = try rows(
            "SELECT at, kind, detail FROM event WHERE file = ? AND (delivery IS NULL OR delivery = ?) ORDER BY number",
            [file, delivery]
        ) { fields in
            let at = try fields.time()
            let code: Int = try fields.next()
            guard let kind = StoryEvent.Kind(rawValue: code) else { throw Refusal(.damaged, "event \(code) does not exist") }
            return StoryEvent(at: at, kind: kind, detail: try fields.next())
        }
        return [StoryEvent(at: admitted, kind: .admitted, detail: "")] + later
    }
}
