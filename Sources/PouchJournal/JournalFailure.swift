/// Why the journal could not do what was asked: what was tried, what SQLite or the rules answered, and what kind of thing
/// it is.
///
/// An operation whose commit failed is not done as far as anybody may rely on it. After a crash it may nevertheless turn
/// out to be done, as with any lost answer: every operation can be repeated.
package struct JournalFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable, Codable {
        /// No space on the device, or over the quota. The journal goes on by itself when there is space again.
        case diskFull
        /// The device or the file system failed. The journal opens the database again before it trusts anything.
        case inputOutput
        /// The file system is read-only, or the permission to write is missing.
        case notWritable
        /// The database is not intact. Opening it again keeps it aside and begins a new one.
        case damaged
        /// The database was written by a later Pouch.
        case newerSchema
        /// The file is an SQLite database of somebody else.
        case notAJournal
        /// The file cannot be opened (missing, a folder, no permission).
        case cannotOpen
        /// Nothing is known under that name.
        case unknown
        /// The operation does not fit the state of the delivery or file.
        case outOfPlace
        /// The journal was closed.
        case closed
        /// Anything else that SQLite answered.
        case other
    }

    package let kind: Kind
    /// What was tried: "record the attempt of delivery 7d…".
    package let attempt: String
    /// What came back.
    package let cause: String
    /// The usual reason and the fix, where we know it.
    package let hint: String?

    package init(_ kind: Kind, attempt: String, cause: String, hint: String? = nil) {
        self.kind = kind
        self.attempt = attempt
        self.cause = cause
        self.hint = hint
    }

    package var isDiskFull: Bool { kind == .diskFull }

    /// True when the same operation may succeed later without anybody changing the journal.
    package var isTransient: Bool {
        switch kind {
        case .diskFull, .inputOutput, .notWritable, .other: true
        case .damaged, .newerSchema, .notAJournal, .cannotOpen, .unknown, .outOfPlace, .closed: false
        }
    }

    /// `could not <attempt>: <cause>`, and the hint on a second line.
    package var description: String { "could not \(attempt): \(cause)" + (hint.map { "\nhint: \($0)" } ?? "") }
}
