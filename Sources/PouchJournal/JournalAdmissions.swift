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
            INSERT INTO file (claim, root, in_place, folder, path, device, inode, birth, size, modified, afterwards, admitted, worst)
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
        try countFile(folder, FileStanding.admitted, by: 1)
        try countFile(folder, standing.rawValue, by: 1)
        if admission.claim.inPlace { try keep(admission.identity, folder: folder, path: path) }
        for delivery in admission.deliveries { try insert(delivery, file: file, folder: folder, at: admission.at) }
        return file
    }

    private func insert(_ delivery: AdmittedDelivery, file: Int64, folder: Int64, at: Timestamp) throws {
        let partner = try word(delivery.partner.description)
        let target = try delivery.target.map { try word($0.description) }
        guard try number("SELECT id FROM delivery WHERE uuid = ?", [delivery.id.blob]) == nil else {
            throw Refusal(.outOfPlace, "a delivery with the id \(delivery.id) exists")
        }
        let state = delivery.start.state
        try run(
            """
            INSERT INTO delivery (uuid, file, partner, route, key, target, state, attempts, due) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)
            """,
            [
                delivery.id.blob, file, partner, try word(delivery.route.description), delivery.key.description, target,
                StateCode.code(of: state), state == .waiting ? 0 : nil,
            ]
        )
        let sequence = db.lastInsertedRowID
        try count(folder, partner, StateCode.admitted, by: 1)
        try count(folder, partner, StateCode.code(of: state), by: 1)
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
