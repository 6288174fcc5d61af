package import PouchKit

/// SHA-256, fed piece by piece; reusable after `finish`.
package struct SHA256Hasher: ~Copyable, Sendable {
    private var digest = MessageDigest(.sha256)

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { digest.update(bytes) }

    package mutating func update(_ bytes: [UInt8]) { digest.update(bytes) }

    /// The digest of all bytes since the start or the last `finish`; the hasher is then as new.
    package mutating func finish() -> SHA256Digest { Self.checked(digest.finish()) }

    package static func digest(of bytes: [UInt8]) -> SHA256Digest { checked(MessageDigest.digest(of: bytes, by: .sha256)) }

    package static func digest(of bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        checked(MessageDigest.digest(of: bytes, by: .sha256))
    }

    /// Of the text's UTF-8.
    package static func digest(of text: String) -> SHA256Digest {
        var text = text
        return text.withUTF8 { digest(of: UnsafeRawBufferPointer($0)) }
    }

    private static func checked(_ bytes: [UInt8]) -> SHA256Digest {
        guard let digest = SHA256Digest(bytes: bytes) else { preconditionFailure("a SHA-256 digest has 32 bytes") }
        return digest
    }
}
