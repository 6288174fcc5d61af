import FoundationEssentials
import GRDB
import PouchKit

/// Reads the columns of a row from left to right. What has the wrong type is damage, never a trap.
final class Fields {
    private let row: Row
    private var index = 0

    init(_ row: Row) { self.row = row }

    func next<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ type: Value.Type = Value.self) throws -> Value {
        defer { index += 1 }
        return try row.decode(Value.self, atIndex: index)
    }

    func next<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ type: Value?.Type = Value?.self) throws -> Value? {
        if row.hasNull(atIndex: index) {
            index += 1
            return nil
        }
        return try next(Value.self)
    }

    func skip(_ count: Int) { index += count }

    func bytes() throws -> [UInt8] { Array(try next(Data.self)) }

    func time() throws -> Timestamp { Timestamp(nanoseconds: try next()) }

    func timeIfAny() throws -> Timestamp? { try next(Int64?.self).map(Timestamp.init(nanoseconds:)) }

    func bits() throws -> UInt64 { UInt64(bitPattern: try next(Int64.self)) }

    func state() throws -> DeliveryState {
        let code: Int64 = try next()
        guard let state = StateCode.state(of: code) else { throw Refusal(.damaged, "state \(code) does not exist") }
        return state
    }

    func name<Name: ChosenName>() throws -> Name { try Name(try next(String.self)) }

    func deliveryID() throws -> DeliveryID { try DeliveryID(Hexadecimal.text(of: try bytes())) }

    func deliveryIDIfAny() throws -> DeliveryID? {
        try next(Data?.self).map { data throws(NameError) in try DeliveryID(Hexadecimal.text(of: data)) }
    }

    func digest() throws -> SHA256Digest {
        guard let digest = SHA256Digest(bytes: try bytes()) else { throw Refusal(.damaged, "a digest has not 32 bytes") }
        return digest
    }

    func chain() throws -> ManifestPosition { ManifestPosition(sequence: try next(), previous: try digest()) }
}

/// The columns of `JournalFile`.
enum FileColumns {
    static let list = """
        f.id, folder.text, f.path, f.device, f.inode, f.birth, f.size, f.modified, f.claim, root.text, f.in_place,
        afterwards.text, f.admitted, f.sha256, f.crc64nvme, f.finished
        """
    /// CROSS JOIN keeps SQLite from beginning with the words.
    static let joins = """
        CROSS JOIN word folder ON folder.id = f.folder CROSS JOIN word root ON root.id = f.root
        CROSS JOIN word afterwards ON afterwards.id = f.afterwards
        """
    static let select = "SELECT \(list) FROM file f \(joins)"

    static func file(from row: Row) throws -> JournalFile { try file(from: Fields(row)) }

    static func file(from fields: Fields) throws -> JournalFile {
        let id: Int64 = try fields.next()
        let folder: String = try fields.next()
        let path = try DropPath(bytes: fields.bytes())
        let identity = try identity(from: fields)
        let claim = ClaimRecord(id: try fields.next(), root: try fields.next(), inPlace: try fields.next())
        let afterwards: String = try fields.next()
        let admitted = try fields.time()
        let sha256 = try fields.next(Data?.self)
        let crc: Int64? = try fields.next()
        return JournalFile(
            id: id,
            folder: folder,
            path: path,
            identity: identity,
            claim: claim,
            afterwards: afterwards,
            admitted: admitted,
            digests: digests(sha256, crc),
            finished: try fields.timeIfAny()
        )
    }

    static func identity(from fields: Fields) throws -> FileIdentity {
        FileIdentity(
            device: try fields.bits(),
            inode: try fields.bits(),
            birth: try fields.next(),
            size: try fields.next(),
            modified: try fields.next()
        )
    }

    static func digests(_ sha256: Data?, _ crc: Int64?) -> FileDigests? {
        guard let sha256, let crc, let digest = SHA256Digest(bytes: Array(sha256)) else { return nil }
        return FileDigests(sha256: digest, crc64nvme: CRC64NVME(UInt64(bitPattern: crc)))
    }
}
