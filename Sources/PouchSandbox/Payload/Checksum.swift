import PouchCrypto
import PouchKit

/// The checksums that S3 takes and keeps. (The newer ones of its model are refused as not implemented.)
package enum ChecksumAlgorithm: String, Sendable, Codable, CaseIterable {
    case crc32 = "CRC32", crc32c = "CRC32C", crc64nvme = "CRC64NVME", sha1 = "SHA1", sha256 = "SHA256"

    package var header: String { "x-amz-checksum-\(rawValue.lowercased())" }

    /// The element of XML documents.
    package var element: String { "Checksum\(rawValue)" }

    package var byteCount: Int {
        switch self {
        case .crc32, .crc32c: 4
        case .crc64nvme: 8
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// `x-amz-checksum-crc32` → `.crc32`; `nil` for a header that is no checksum or of an algorithm that is not known.
    package init?(header: String) {
        let prefix = "x-amz-checksum-"
        guard header.hasPrefix(prefix) else { return nil }
        self.init(rawValue: String(header.dropFirst(prefix.count)).uppercased())
    }
}

/// Computes a checksum piece by piece.
package struct ChecksumHasher: ~Copyable {
    private var crc32: CRC32Hasher?
    private var crc64: CRC64NVMEHasher?
    private var digest: MessageDigest?

    package init(_ algorithm: ChecksumAlgorithm) {
        crc32 = nil
        crc64 = nil
        digest = nil
        switch algorithm {
        case .crc32: crc32 = CRC32Hasher(.crc32)
        case .crc32c: crc32 = CRC32Hasher(.crc32c)
        case .crc64nvme: crc64 = CRC64NVMEHasher()
        case .sha1: digest = MessageDigest(.sha1)
        case .sha256: digest = MessageDigest(.sha256)
        }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        crc32?.update(bytes)
        crc64?.update(bytes)
        digest?.update(bytes)
    }

    /// The checksum in network order. Call it once.
    package mutating func finish() -> [UInt8] {
        if let crc32 { return (0..<4).map { UInt8(truncatingIfNeeded: crc32.value >> (24 - 8 * $0)) } }
        if let crc64 { return Hexadecimal.bigEndianBytes(of: crc64.value.value) }
        return digest?.finish() ?? []
    }

    package static func base64(of bytes: [UInt8], by algorithm: ChecksumAlgorithm) -> String {
        var hasher = ChecksumHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        return Base64.text(of: hasher.finish())
    }
}
