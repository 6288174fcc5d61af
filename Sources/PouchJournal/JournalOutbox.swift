import GRDB

extension Journal {
    /// The lines up to that one are in the manifest's file, durably: they leave the journal.
    @discardableResult
    package func written(upTo sequence: Int64) -> Ticket<Void> {
        submit(.written, "forget the manifest lines up to \(sequence)") { session in
            try session.run("DELETE FROM outbox WHERE sequence <= ?", [sequence])
        }
    }

    /// Goes on with the chain of an existing manifest, in a journal that has written no line yet: a new one in the place of
    /// one that was lost.
    ///
    /// - Throws (the ticket): `.outOfPlace` when the journal has a chain of its own.
    @discardableResult
    package func continueChain(from position: ManifestPosition) -> Ticket<Void> {
        submit(.continueChain, "continue the manifest at line \(position.sequence)") { session in
            let own = try session.chainPosition()
            guard own != position else { return }
            guard own == .first, position.sequence >= 1 else {
                throw Refusal(.outOfPlace, "the journal's own chain is at line \(own.sequence)")
            }
            try session.setChain(position)
        }
    }

    /// The lines that are not known to be in the manifest's file, in order.
    package func outbox(limit: Int) async throws(JournalFailure) -> [ManifestLine] { try await lanes.outbox(limit: limit) }

    /// Where the chain goes on.
    package func head() async throws(JournalFailure) -> ManifestPosition { try await lanes.head() }
}

extension JournalReader {
    package func outbox(limit: Int) async throws(JournalFailure) -> [ManifestLine] {
        try await read("read the manifest lines to write") { session in
            try session.rows("SELECT sequence, bytes, digest FROM outbox ORDER BY sequence LIMIT ?", [limit]) { fields in
                ManifestLine(sequence: try fields.next(), bytes: try fields.bytes(), digest: try fields.digest())
            }
        }
    }

    package func head() async throws(JournalFailure) -> ManifestPosition {
        try await read("read the head of the manifest") { session in
            guard let head = try session.first("SELECT chain_sequence, chain_previous FROM journal", [], { try $0.chain() }) else {
                throw JournalFailure.missingRow("journal")
            }
            return head
        }
    }
}
