import Glibc
import PouchKit

/// A file of credentials: local, and of a few lines.
enum SmallFile {
    private static let mostBytes = 1 << 20

    /// - Throws: `CredentialFailure` when it cannot be read, is larger than a MiB, is not a regular file, or is not UTF-8.
    static func text(at path: String) throws(CredentialFailure) -> String { try contents(of: path).text }

    /// The text of a file that nobody else may read.
    ///
    /// - Throws: as `text`, and when others than its owner and its group may read it, or others than its owner write it.
    static func secretText(at path: String) throws(CredentialFailure) -> Secret {
        let (text, mode) = try contents(of: path)
        try refuseOpen(path, mode: mode)
        return Secret(text)
    }

    /// The text of a file that may hold secrets. Then nobody else may read it.
    static func text(at path: String, isSecret: (String) -> Bool) throws(CredentialFailure) -> String {
        let (text, mode) = try contents(of: path)
        if isSecret(text) { try refuseOpen(path, mode: mode) }
        return text
    }

    private static func refuseOpen(_ path: String, mode: mode_t) throws(CredentialFailure) {
        guard mode & mode_t(S_IRWXO | S_IWGRP) != 0 else { return }
        let text = String(mode & 0o777, radix: 8)
        throw CredentialFailure(
            step: "read the secret in \(path)", cause: "its mode is 0\(text): others may read or change it",
            hint: "chmod 600 \(path); and if others had the time to read it, make a new secret")
    }

    private static func contents(of path: String) throws(CredentialFailure) -> (text: String, mode: mode_t) {
        let step = "read credentials from \(path)"
        // Not blocking: a FIFO in its place would hold up every delivery.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw CredentialFailure(step: step, cause: reason(), isTemporary: [EMFILE, ENFILE, ENOMEM].contains(errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw CredentialFailure(step: step, cause: reason()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CredentialFailure(step: step, cause: "it is not a regular file") }
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
        return (text, status.st_mode)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
