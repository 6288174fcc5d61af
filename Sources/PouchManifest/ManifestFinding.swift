/// Something in a manifest that is not as it was written.
package struct ManifestFinding: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Bytes of the line were changed.
        case altered
        /// The line is no entry, or not one that Pouch writes.
        case unreadable
        /// The file ends in the middle of the line.
        case unfinished
        /// Lines are not there that must have been.
        case removed
        case reordered
        /// The line is there a second time.
        case repeated
        /// Lines are missing at the end that the journal remembers.
        case cutTail = "cut-tail"
        /// The chain is whole, and it is not the one that the journal remembers.
        case rewritten
        /// There are lines after the last one that the journal remembers.
        case foreignTail = "foreign-tail"
    }

    package let kind: Kind
    /// Where in the file, from 1.
    package let line: Int64
    /// In words, with the sequences concerned.
    package let text: String

    /// `line 41: altered: …`
    package var description: String { "line \(line): \(kind.rawValue): \(text)" }
}
