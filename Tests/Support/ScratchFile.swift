import Glibc

/// A file without a name, gone with the last reference.
package final class ScratchFile: Sendable {
    package let descriptor: Int32

    /// - Throws: `ScratchProblem` when the file cannot be made or filled.
    package init(_ bytes: [UInt8] = []) throws(ScratchProblem) {
        var path = Array("/tmp/pouch-scratch-XXXXXX".utf8CString)
        descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw ScratchProblem("mkstemp", errno) }
        unlink(path)
        try append(bytes)
    }

    deinit { close(descriptor) }

    package func append(_ bytes: [UInt8]) throws(ScratchProblem) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written) }
            guard count > 0 else { throw ScratchProblem("write", errno) }
            written += count
        }
    }

    package func truncate(to size: Int) throws(ScratchProblem) {
        guard ftruncate(descriptor, size) == 0 else { throw ScratchProblem("ftruncate", errno) }
    }

    /// Where the next plain `read` would begin.
    package var offset: Int { lseek(descriptor, 0, SEEK_CUR) }
}

/// Why a scratch file cannot be used: the call and the system's words.
package struct ScratchProblem: Error, CustomStringConvertible {
    package let description: String

    init(_ operation: String, _ code: Int32) { description = "\(operation): \(String(cString: strerror(code)))" }
}
