import PouchJournal
import PouchKit

/// Values that many tests need and none looks at closely.
enum Specimen {
    static let time = Timestamp(seconds: 1_795_442_709)
    static let acme = PartnerName(unchecked: "acme")
    static let globex = PartnerName(unchecked: "globex")
    static let route = RouteName(unchecked: "everything")

    static func identity(size: Int64 = 8) -> FileIdentity {
        FileIdentity(device: 1, inode: 2, birth: 3, size: size, modified: time.nanoseconds)
    }

    static func file(
        _ id: Int64 = 1,
        path: String = "seeds.csv",
        identity: FileIdentity = identity(),
        digests: FileDigests? = nil
    ) throws -> JournalFile {
        JournalFile(
            id: id,
            folder: "/drop",
            path: try DropPath(path),
            identity: identity,
            claim: ClaimRecord(id: "claim-\(id)", root: "/state/claims", inPlace: false),
            afterwards: "",
            admitted: time,
            digests: digests,
            finished: nil
        )
    }

    static func delivery(
        _ sequence: Int64 = 1,
        of file: JournalFile? = nil,
        to partner: PartnerName = acme
    ) throws -> PendingDelivery {
        PendingDelivery(
            sequence: sequence,
            id: DeliveryID(high: 7, low: UInt64(sequence)),
            file: try file ?? Self.file(sequence),
            partner: partner,
            route: route,
            key: try DeliveryKey("seeds-\(sequence).csv"),
            target: nil,
            state: .waiting,
            attempts: 0,
            checkpoint: nil,
            retries: nil,
            notBefore: nil,
            failure: nil
        )
    }
}
