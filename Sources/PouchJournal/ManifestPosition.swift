package import PouchKit

/// Where the chain of the manifest goes on.
package struct ManifestPosition: Hashable, Sendable, Codable {
    /// Of the next line. The first line is 1.
    package let sequence: Int64
    /// The digest of the previous line's bytes; all zeros for the first.
    package let previous: SHA256Digest

    package init(sequence: Int64, previous: SHA256Digest) {
        self.sequence = sequence
        self.previous = previous
    }

    /// Where a manifest begins.
    package static let first = ManifestPosition(
        sequence: 1,
        previous: SHA256Digest(bytes: [UInt8](repeating: 0, count: 32)).unsafelyUnwrapped
    )
}

/// One line of the manifest, as it will lie in the file.
package struct ManifestLine: Hashable, Sendable {
    package let sequence: Int64
    /// Without the newline.
    package let bytes: [UInt8]
    /// SHA-256 of `bytes`.
    package let digest: SHA256Digest

    package init(sequence: Int64, bytes: [UInt8], digest: SHA256Digest) {
        self.sequence = sequence
        self.bytes = bytes
        self.digest = digest
    }
}

/// Writes the line for the position that the chain has reached. Called once, on the journal's own thread, inside the
/// transaction that ends the delivery; it must not wait for anything.
package typealias EntryWriter = @Sendable (ManifestPosition) -> ManifestLine
