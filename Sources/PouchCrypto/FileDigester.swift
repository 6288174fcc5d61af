package import PouchKit

/// SHA-256 and CRC-64/NVME of the same bytes, fed piece by piece.
package struct FileDigester: ~Copyable {
    private var sha256 = SHA256Hasher()
    private var crc64nvme = CRC64NVMEHasher()

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        sha256.update(bytes)
        crc64nvme.update(bytes)
    }

    /// Of all bytes so far; call it once.
    package mutating func finish() -> FileDigests { FileDigests(sha256: sha256.finish(), crc64nvme: crc64nvme.value) }
}
