import Glibc
import PouchKit

/// Why the state directory cannot be ours.
package enum StateLockFailure: Error, Hashable, CustomStringConvertible {
    /// Another process holds it; its id, where the lock file tells.
    case held(path: String, by: Int32?)
    case problem(FileProblem)

    package var description: String {
        switch self {
        case .held(let path, let holder):
            "the state directory is in use by another agent\(holder.map { " (process \($0))" } ?? ""): \(path)"
        case .problem(let problem): problem.description
        }
    }
}

/// One agent per state directory: a lock on `<state>/lock` that ends with the process, however it ends.
package final class StateLock: Sendable {
    private let file: OpenFile

    /// - Throws: `StateLockFailure`; it does not wait.
    package init(state: String) throws(StateLockFailure) {
        let path = state + "/lock"
        let file: OpenFile
        do throws(FileProblem) { file = try Self.open(path) } catch { throw .problem(error) }
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            guard code == EWOULDBLOCK else { throw .problem(FileProblem(operation: "lock", path: path, errno: code)) }
            throw .held(path: path, by: Self.holder(file))
        }
        do throws(FileProblem) {
            // The file is never removed: who unlinks a lock file lets two processes lock two files of one name.
            try file.truncate(to: 0)
            try file.write(Array("\(getpid())\n".utf8))
        } catch { throw .problem(error) }
        self.file = file
    }

    /// Closing alone would leave the lock to a child that was forked meanwhile and has not executed its program yet.
    deinit { _ = flock(file.descriptor, LOCK_UN) }

    private static func open(_ path: String) throws(FileProblem) -> OpenFile {
        let descriptor = SystemCall.withPath(Array(path.utf8)) { text in
            SystemCall.answer { Glibc.open(text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600) }
        }
        guard descriptor >= 0 else { throw FileProblem(operation: "open", path: path, errno: -descriptor) }
        return OpenFile(adopting: descriptor, path: VisibleText.escaped(path))
    }

    /// For the message only: a lock file that cannot be read names nobody.
    private static func holder(_ file: borrowing OpenFile) -> Int32? {
        guard let contents = try? file.readAll(limit: 64) else { return nil }
        return Int32(String(decoding: contents, as: UTF8.self).split(separator: "\n").first ?? "")
    }
}
