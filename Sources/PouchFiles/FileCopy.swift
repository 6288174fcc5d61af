import Glibc
import PouchKit

/// Copies a file's bytes, lending each block to the caller as it passes, so that what is hashed is what is written.
///
/// Not by `copy_file_range`: the kernel's copy could not be hashed without a second reading, which may see other bytes.
package enum FileCopy {
    package enum Failure: Error, Hashable {
        case source(FileProblem)
        case target(FileProblem)
        /// The source has not the size it was said to have: it was cut or goes on.
        case otherSize(expected: Int64, found: Int64)
        /// The caller did not want to go on.
        case stopped
    }

    private static let blockSize = 1 << 20

    /// - Parameters:
    ///   - source: Read with `pread`: its own offset stays where it is.
    ///   - target: Empty; written from where it stands.
    ///   - visit: Gets each block after it was written, and the bytes written so far; `false` ends the copy.
    package static func copy(
        from source: Int32,
        named sourceName: String,
        size: Int64,
        to target: borrowing OpenFile,
        visit: (UnsafeRawBufferPointer, Int64) -> Bool
    ) throws(Failure) {
        try read(source, named: sourceName, size: size) { block, offset throws(Failure) in
            do throws(FileProblem) { try target.write(block) } catch { throw .target(error) }
            return visit(block, offset)
        }
        let written: FileStatus
        do throws(FileProblem) { written = try target.status() } catch { throw .target(error) }
        guard written.size == size else {
            throw .target(FileProblem(operation: "write all bytes of", visiblePath: target.path, errno: EIO))
        }
    }

    /// Reads a whole file with `pread`, lending each block with the bytes read so far, this one included.
    ///
    /// - Parameter visit: `false` ends the reading with `.stopped`.
    package static func read(
        _ source: Int32,
        named sourceName: String,
        size: Int64,
        visit: (UnsafeRawBufferPointer, Int64) throws(Failure) -> Bool
    ) throws(Failure) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(min(max(size, 1), Int64(blockSize))), alignment: 4_096)
        defer { block.deallocate() }
        // Advice: what refuses it reads just as well without.
        _ = posix_fadvise(source, 0, 0, POSIX_FADV_SEQUENTIAL)
        var offset: Int64 = 0
        while true {
            // At the end one more reading must find nothing.
            let count = SystemCall.answer { pread(source, block.baseAddress, block.count, off_t(offset)) }
            guard count >= 0 else { throw .source(FileProblem(operation: "read", visiblePath: sourceName, errno: Int32(-count))) }
            guard count > 0 else { break }
            guard offset + Int64(count) <= size else { throw .otherSize(expected: size, found: offset + Int64(count)) }
            offset += Int64(count)
            guard try visit(UnsafeRawBufferPointer(rebasing: block[..<count]), offset) else { throw .stopped }
        }
        guard offset == size else { throw .otherSize(expected: size, found: offset) }
    }
}
