import Glibc
import PouchKit

/// A file of credentials: local, and of a few lines.
enum SmallFile {
    private static let mostBytes = 1 << 20

    /// - Throws: `CredentialFailure` when it cannot be read, is larger than a MiB, is not a regular file, or is not UTF-8.
    static func text(at path: String) throws(CredentialFailure) -> String {
        let step = "read credentials from \(path)"
        // Not blocking: a FIFO in its place would hold up every delivery.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw CredentialFailure(step: step, cause: reason(), isTemporary: errno == EMFILE) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &block, block.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw CredentialFailure(step: step, cause: reason())
            }
            bytes += block[..<count]
            guard bytes.count <= mostBytes else { throw CredentialFailure(step: step, cause: "it is larger than 1 MiB") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CredentialFailure(step: step, cause: "it is not UTF-8")
        }
        return text
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
