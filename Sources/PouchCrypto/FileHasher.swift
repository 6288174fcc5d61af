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

/// SHA-256 and CRC-64/NVME of a file, or of parts of it, in one reading.
///
/// All functions block the calling thread for as long as the disk takes: call them on a thread of your own, never on Swift's pool. They
/// read with `pread`, which leaves the descriptor's offset alone. `isWanted` is asked before each MiB; `false` ends the reading with
/// `.abandoned`.
package enum FileHasher {
    private static let blockSize = 1 << 20
    private static let alignment = 4_096

    /// Reads the whole file.
    ///
    /// - Parameters:
    ///   - descriptor: Open for reading, a regular file.
    ///   - size: What the file was claimed with.
    /// - Throws: `FileHashFailure`, also when the file has not exactly `size` bytes.
    package static func digests(
        ofFile descriptor: Int32,
        size: Int64,
        isWanted: () -> Bool = { true }
    ) throws(FileHashFailure) -> FileDigests {
        var digester = FileDigester()
        try read(descriptor, 0..<size, isWanted) { digester.update($0) }
        try expectEnd(of: descriptor, at: size)
        return digester.finish()
    }

    /// Reads one part.
    ///
    /// - Parameter running: The digest of all that comes before the part, if somebody wants it; the part is added to it.
    /// - Throws: `FileHashFailure`; `.shorter` when the file ends within the part.
    package static func digests(
        ofFile descriptor: Int32,
        part: Range<Int64>,
        kind: PartDigests.Kind,
        running: RunningDigest? = nil,
        isWanted: () -> Bool = { true }
    ) throws(FileHashFailure) -> PartDigests {
        let own = kind == .checksumAndSHA256 ? RunningDigest() : nil
        var crc64nvme = CRC64NVMEHasher()
        try read(descriptor, part, isWanted) { bytes in
            running?.update(bytes)
            own?.update(bytes)
            crc64nvme.update(bytes)
        }
        return PartDigests(crc64nvme: crc64nvme.value, sha256: own?.finish())
    }

    /// - Throws: `FileHashFailure` `.longer` when there is a byte at `size`.
    package static func expectEnd(of descriptor: Int32, at size: Int64) throws(FileHashFailure) {
        var byte: UInt8 = 0
        let count = try withUnsafeMutableBytes(of: &byte) { byte throws(FileHashFailure) in
            try read(descriptor, at: size, into: byte)
        }
        guard count == 0 else { throw .longer(expected: size) }
    }

    private static func read(
        _ descriptor: Int32,
        _ part: Range<Int64>,
        _ isWanted: () -> Bool,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) throws(FileHashFailure) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: alignment)
        defer { block.deallocate() }
        // Advice: what refuses it (a pipe, some network file systems) reads just as well without.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var offset = part.lowerBound
        while offset < part.upperBound {
            guard isWanted() else { throw .abandoned }
            let wanted = Int(min(Int64(blockSize), part.upperBound - offset))
            let count = try read(descriptor, at: offset, into: UnsafeMutableRawBufferPointer(rebasing: block[..<wanted]))
            guard count > 0 else { throw .shorter(expected: part.upperBound, found: offset) }
            take(UnsafeRawBufferPointer(rebasing: block[..<count]))
            offset += Int64(count)
        }
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
