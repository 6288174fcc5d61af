import FoundationEssentials
import GRDB
import PouchKit

extension Journal {
    /// Takes a file and its deliveries into the journal. A claim that was admitted before changes nothing.
    ///
    /// - Throws (the ticket): `.outOfPlace` when a delivery id is taken.
    @discardableResult
    package func admit(_ admission: Admission) -> Ticket<AdmissionOutcome> {
        submit(.admit, "admit \(admission.path) from \(admission.folder)") { session in
            if let known = try session.number("SELECT id FROM file WHERE claim = ?", [admission.claim.id]) {
                return .known(file: known)
            }
            return .admitted(file: try session.insert(admission))
        }
    }
}

extension WriteSession {
    fileprivate func insert(_ admission: Admission) throws -> Int64 {
        let folder = try word(admission.folder)
        let path = Data(admission.path.bytes)
        let standing = FileStanding(
            worst: admission.deliveries.map(\.start.state).max(by: { StateCode.code(of: $0) < StateCode.code(of: $1) }))
        try run(
            """
            INSERT INTO file
                (claim, root, in_place, folder, path, device, inode, birth, size, modified, afterwards, admitted, worst)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                admission.claim.id, try word(admission.claim.root), admission.claim.inPlace, folder, path,
                Int64(bitPattern: admission.identity.device), Int64(bitPattern: admission.identity.inode),
                admission.identity.birth, admission.identity.size, admission.identity.modified,
                try word(admission.afterwards), admission.at.nanoseconds, standing.rawValue,
            ]
        )
        let file = db.lastInsertedRowID
        countFile(folder, FileStanding.admitted, by: 1)
        countFile(folder, standing.rawValue, by: 1)
        if admission.claim.inPlace { try keep(admission.identity, folder: folder, path: path) }
        for delivery in admission.deliveries { try insert(delivery, file: file, folder: folder, at: admission.at) }
        return file
    }

    private func insert(_ delivery: AdmittedDelivery, file: Int64, folder: Int64, at: Timestamp) throws {
        let partner = try word(delivery.partner.description)
        let plan = DeliveryPlan(
            partner: partner,
            route: try word(delivery.route.description),
            key: delivery.key.description,
            target: try delivery.target.map { try word($0.description) },
            retries: nil
        )
        let state = delivery.start.state
        let sequence = try insertDelivery(delivery.id, ofFile: file, plan, state: state)
        count(folder, partner, StateCode.admitted, by: 1)
        count(folder, partner, StateCode.code(of: state), by: 1)
        switch delivery.start {
        case .waiting: break
        case .held(let code, let reason):
            let failure = DeliveryFailure(.hold, code: code, attempt: "deliver it to \(delivery.partner)", cause: reason)
            try remember(failure, of: sequence, at: at)
            try record(.held, file: file, delivery: sequence, at: at, "\(code): \(reason)")
        case .quarantined(let failure, let entry):
            try remember(failure, of: sequence, at: at)
            try record(.quarantined, file: file, delivery: sequence, at: at, failure.description)
            let line = try appendLine(entry)
            try run("UPDATE delivery SET ended = ?, line = ? WHERE id = ?", [at.nanoseconds, line, sequence])
        }
    }

    /// Remembers what was taken last from a path whose source stays where it is.
    func keep(_ identity: FileIdentity, folder: Int64, path: Data) throws {
        try run(
            """
            INSERT INTO kept (folder, path, device, inode, birth, size, modified) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET device = excluded.device, inode = excluded.inode, birth = excluded.birth,
                size = excluded.size, modified = excluded.modified
            """,
            [
                folder, path, Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode), identity.birth,
                identity.size, identity.modified,
            ]
        )
    }
}

extension AdmittedDelivery.Start {
    fileprivate var state: DeliveryState {
        switch self {
        case .waiting: .waiting
        case .held: .held
        case .quarantined: .quarantined
        }
    }
}
