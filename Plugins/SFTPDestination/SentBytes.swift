import Glibc
import PouchCrypto
import PouchHTTP
import PouchKit
import Synchronization

/// The checksum of the bytes as they were sent, to be compared with the file's own: a file that is written to behind a mapping changes
/// without a new time.
final class SentBytes: Sendable {
    private static let blockSize = 1 << 20

    private let hasher: Mutex<CRC64NVMEHasher>

    init(after prefix: CRC64NVMEHasher = CRC64NVMEHasher()) { hasher = Mutex(prefix) }

    func take(_ bytes: UnsafeRawBufferPointer) { hasher.withLock { $0.update(bytes) } }

    var checksum: CRC64NVME { hasher.withLock { $0.value } }

    /// Of the first bytes of a file, which lie at the server already. Blocks.
    ///
    /// - Returns: `nil` when they cannot be read.
    static func prefix(of descriptor: Int32, count: Int64) -> CRC64NVMEHasher? {
        var hasher = CRC64NVMEHasher()
        var block = [UInt8](repeating: 0, count: blockSize)
        var offset: Int64 = 0
        while offset < count {
            let wanted = Int(min(Int64(blockSize), count - offset))
            let read = block.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted, off_t(offset)) }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { return nil }
            block.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<read])) }
            offset += Int64(read)
        }
        return hasher
    }
}

/// Compares what comes from the server with the file, piece by piece.
final class Comparison: Sendable {
    private let descriptor: Int32
    private let position: Mutex<(offset: Int64, isEqual: Bool)>

    init(with descriptor: Int32, from offset: Int64) {
        self.descriptor = descriptor
        position = Mutex((offset, true))
    }

    /// How far the two are the same; `nil` when they are not.
    var reached: Int64? { position.withLock { $0.isEqual ? $0.offset : nil } }

    /// False at the first difference.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        position.withLock { position in
            var own = [UInt8](repeating: 0, count: bytes.count)
            var filled = 0
            while filled < own.count {
                let (start, offset) = (filled, position.offset + Int64(filled))
                let read = own.withUnsafeMutableBytes {
                    pread(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start, off_t(offset))
                }
                if read < 0, errno == EINTR { continue }
                guard read > 0 else { break }
                filled += read
            }
            let isSame = bytes.baseAddress.map { memcmp(own, $0, bytes.count) == 0 } ?? true
            position.isEqual = position.isEqual && filled == own.count && isSame
            position.offset += Int64(bytes.count)
            return position.isEqual
        }
    }
}
