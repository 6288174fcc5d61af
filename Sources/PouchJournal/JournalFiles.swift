import FoundationEssentials
import GRDB
package import PouchKit

extension Journal {
    /// The source was disposed of: archived, deleted, quarantined, or left in place for good.
    ///
    /// Finishing a finished file changes nothing.
    ///
    /// - Throws (the ticket): `.outOfPlace` while a delivery of the file has not ended; `.unknown`.
    @discardableResult
    package func finish(file: Int64, at: Timestamp) -> Ticket<Void> {
        submit(.finish, "finish file \(file)") { session in
            let progress = try session.progress(of: file)
            guard progress.file.finished == nil else { return }
            guard progress.isFinished else {
                let states = progress.states.map(\.rawValue).joined(separator: ", ")
                throw Refusal(.outOfPlace, "its deliveries are \(states)")
            }
            try session.run("UPDATE file SET finished = ? WHERE id = ?", [at.nanoseconds, file])
            try session.record(.finished, file: file, delivery: nil, at: at, "")
        }
    }

    /// The source is not what was claimed any more: it gets a new identity, its digests, seals and checkpoints are forgotten, and the
    /// deliveries that have not ended wait again. Attempts go on counting.
    ///
    /// Abandon the checkpoints at the destinations first: nobody knows them afterwards.
    @discardableResult
    package func retake(file: Int64, identity: FileIdentity, at: Timestamp) -> Ticket<FileProgress> {
        submit(.retake, "take file \(file) again") { session in
            let former = try session.file(file)
            try session.run(
                """
                UPDATE file SET device = ?, inode = ?, birth = ?, size = ?, modified = ?, sha256 = NULL, crc64nvme = NULL
                WHERE id = ?
                """,
                [
                    Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode), identity.birth, identity.size,
                    identity.modified, file,
                ]
            )
            if former.claim.inPlace {
                try session.keep(identity, folder: try session.word(former.folder), path: Data(former.path.bytes))
            }
            for row in try session.deliveries("SELECT uuid FROM delivery WHERE file = ? ORDER BY id", [file])
            where !row.state.isFinal {
                try session.run("DELETE FROM seal WHERE delivery = ?", [row.sequence])
                guard row.state.isOnTheWay else { continue }
                try session.forgetCheckpoint(of: row.sequence)
                try session.move(row, to: .waiting, due: 0)
            }
            try session.record(
                .sourceChanged, file: file, delivery: nil, at: at, "\(former.identity.size) bytes became \(identity.size)"
            )
            return try session.progress(of: file)
        }
    }

    /// The claimed file lies under another claim root now: in quarantine, or brought back from it.
    @discardableResult
    package func relocate(file: Int64, to claim: ClaimRecord, at: Timestamp) -> Ticket<Void> {
        submit(.relocate, "record that file \(file) lies in \(claim.root)") { session in
            _ = try session.file(file)
            try session.run(
                "UPDATE file SET claim = ?, root = ?, in_place = ? WHERE id = ?",
                [claim.id, try session.word(claim.root), claim.inPlace, file]
            )
            try session.record(.moved, file: file, delivery: nil, at: at, claim.root)
        }
    }

    /// Forgets what was admitted last from a path of a kept source, when the source itself is gone.
    @discardableResult
    package func forgetKept(folder: String, path: DropPath) -> Ticket<Void> {
        submit(.forgetKept, "forget \(path) in \(folder)") { session in
            try session.run("DELETE FROM kept WHERE folder = ? AND path = ?", [try session.word(folder), Data(path.bytes)])
        }
    }

    /// Removes files that were delivered everywhere, or taken unmatched, and were finished before that time, with their
    /// stories and receipts: at most `limit` of them, the longest finished first. Counts keep them. What is quarantined
    /// stays until it was retried and delivered.
    ///
    /// - Returns (the ticket): how many were removed; call again while it is `limit`.
    @discardableResult
    package func prune(finishedBefore time: Timestamp, limit: Int) -> Ticket<Int> {
        submit(.prune, "remove files that were finished before \(time)") { session in
            let files = try Int64.fetchAll(
                session.db.cachedStatement(
                    sql: "SELECT id FROM file WHERE finished < ? AND worst IN (0, 9) ORDER BY finished LIMIT ?"),
                arguments: [time.nanoseconds, limit]
            )
            for file in files {
                try session.run(
                    "DELETE FROM receipt WHERE line IN (SELECT line FROM delivery WHERE file = ? AND line IS NOT NULL)", [file]
                )
                // Deliveries and events go with it.
                try session.run("DELETE FROM file WHERE id = ?", [file])
            }
            return files.count
        }
    }
}
