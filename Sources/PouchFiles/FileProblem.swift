import CLinux
import Glibc
import PouchKit

/// What the system said about a file: what was tried, on which path, and the error number.
///
/// Paths are made visible (`VisibleText`) when the problem is made, so that it can be printed as it is.
package struct FileProblem: Error, Hashable, CustomStringConvertible {
    /// A verb, as in "could not <operation> <path>": `open`, `rename`.
    package let operation: String
    package let path: String
    package let errno: Int32

    package init(operation: String, path: String, errno: Int32) {
        self.operation = operation
        self.path = VisibleText.escaped(path)
        self.errno = errno
    }

    init(operation: String, visiblePath: String, errno: Int32) {
        self.operation = operation
        self.path = visiblePath
        self.errno = errno
    }

    /// `could not open /x: Permission denied (EACCES)`
    package var description: String { "could not \(operation) \(path): \(cause)" }

    /// `Permission denied (EACCES)`
    package var cause: String {
        let text = pouch_error_text(errno).map { String(cString: $0) } ?? "error \(errno)"
        return "\(text) (\(code))"
    }

    /// `EACCES`
    package var code: String { pouch_error_name(errno).map { String(cString: $0) } ?? "E\(errno)" }

    /// No bytes, no inodes, or no quota left.
    package var isNoSpace: Bool { errno == ENOSPC || errno == EDQUOT }
    package var isReadOnly: Bool { errno == EROFS }
    /// The path, or a folder on its way, is not there.
    package var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
    package var isTaken: Bool { errno == EEXIST }
    package var isDenied: Bool { errno == EACCES || errno == EPERM }
    /// A symbolic link stood in the way where none is followed, or the path led out of its folder.
    package var isSymlink: Bool { errno == ELOOP }
    package var isOtherMount: Bool { errno == EXDEV }
    package var isNameTooLong: Bool { errno == ENAMETOOLONG }
    /// The disk, or the server behind it, failed: what was asked may be right and the answer may be another later.
    package var isBrokenStorage: Bool { [EIO, ESTALE, ETIMEDOUT, ENODEV, ENXIO, EHOSTDOWN].contains(errno) }
    /// This process or this machine has no descriptor or memory left.
    package var isExhausted: Bool { [EMFILE, ENFILE, ENOMEM].contains(errno) }
}
