import Glibc

/// Reads a sealed file at any place, with `pread`.
struct SealedFileReader {
    let descriptor: Int32
    let size: Int64

    /// - Throws: `SealProblem` when the file ends before the bytes do, or cannot be read.
    func bytes(_ range: Range<Int64>) throws(SealProblem) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(SealProblem) in try read(range, into: buffer) }
        }
        try outcome.get()
        return bytes
    }

    func read(_ range: Range<Int64>, into buffer: UnsafeMutableRawBufferPointer) throws(SealProblem) {
        guard range.upperBound <= size else { throw Self.truncated }
        var done = 0
        while done < range.count {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), range.count - done, off_t(range.lowerBound + Int64(done)))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SealProblem("could not read the sealed file: \(String(cString: strerror(errno)))") }
            guard count > 0 else { throw Self.truncated }
            done += count
        }
    }

    static let truncated = SealProblem("the sealed file ends too early: it was cut off")
}
