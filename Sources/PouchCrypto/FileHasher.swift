import Glibc
package import PouchKit

/// Why the digests of a file could not be computed.
package enum FileHashFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(errno: Int32, offset: Int64)
    /// The file is shorter than it was said to be: it was cut after it was taken.
    case shorter(expected: Int64, found: Int64)
    /// It is longer: somebody still writes to it.
    case longer(expected: Int64)
    /// The caller's `isWanted` said no.
    case abandoned

    package var description: String {
        switch self {
        case .unreadable(let errno, let offset): "reading at byte \(offset) failed: \(String(cString: strerror(errno)))"
        case .shorter(let expected, let found): "the file ends after \(found) bytes, expected \(expected)"
        case .longer(let expected): "the file goes on after its \(expected) bytes"
        case .abandoned: "reading was abandoned"
        }
    }
}

/// SHA-256 and CRC-64/NVME of a file in one reading.
package enum FileHasher {
    private static let blockSize = 1 << 20
    private static let alignment = 4_096

    /// Reads the whole file with `pread`, which leaves the descriptor's offset alone.
    ///
    /// It blocks the calling thread for as long as the disk takes: call it on a thread of your own, never on Swift's pool.
    ///
    /// - Parameters:
    ///   - descriptor: Open for reading, a regular file.
    ///   - size: What the file was claimed with.
    ///   - isWanted: Asked before each MiB; `false` ends the reading with `.abandoned`.
    /// - Throws: `FileHashFailure`, also when the file has not exactly `size` bytes.
    package static func digests(
        ofFile descriptor: Int32,
        size: Int64,
        isWanted: () -> Bool = { true }
    ) throws(FileHashFailure) -> FileDigests {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: alignment)
        defer { block.deallocate() }
        // Advice: what refuses it (a pipe, some network file systems) reads just as well without.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var sha256 = SHA256Hasher()
        var crc64nvme = CRC64NVMEHasher()
        var offset: Int64 = 0
        while offset < size {
            guard isWanted() else { throw .abandoned }
            let wanted = Int(min(Int64(blockSize), size - offset))
            let count = try read(descriptor, at: offset, into: UnsafeMutableRawBufferPointer(rebasing: block[..<wanted]))
            guard count > 0 else { throw .shorter(expected: size, found: offset) }
            let bytes = UnsafeRawBufferPointer(rebasing: block[..<count])
            sha256.update(bytes)
            crc64nvme.update(bytes)
            offset += Int64(count)
        }
        let oneMore = UnsafeMutableRawBufferPointer(rebasing: block[..<1])
        guard try read(descriptor, at: size, into: oneMore) == 0 else { throw .longer(expected: size) }
        return FileDigests(sha256: sha256.finish(), crc64nvme: crc64nvme.value)
    }

    private static func read(
        _ descriptor: Int32,
        at offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileHashFailure) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            let error = errno
            guard error == EINTR else { throw .unreadable(errno: error, offset: offset) }
        }
    }
}
