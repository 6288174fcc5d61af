import GRDB
import PouchKit

extension JournalFailure {
    /// Translates whatever was thrown while SQLite worked.
    init(_ error: any Error, attempt: String) {
        switch error {
        case let failure as JournalFailure: self = failure.during(attempt)
        case let refusal as Refusal: self.init(refusal.kind, attempt: attempt, cause: refusal.cause, hint: nil)
        case let error as DatabaseError: self.init(error, attempt: attempt)
        case let error as NameError: self.init(.damaged, attempt: attempt, cause: "the journal holds a text that \(error)")
        case let error as RowDecodingError:
            self.init(.damaged, attempt: attempt, cause: "a value has the wrong type: \(error)")
        default: self.init(.other, attempt: attempt, cause: String(describing: error))
        }
    }

    private init(_ error: DatabaseError, attempt: String) {
        let (kind, hint) = Self.kind(of: error)
        let message = error.message ?? "no message"
        self.init(kind, attempt: attempt, cause: "\(message) (SQLite \(error.extendedResultCode.rawValue))", hint: hint)
    }

    private static func kind(of error: DatabaseError) -> (Kind, hint: String?) {
        switch error.resultCode {
        case .SQLITE_FULL:
            (.diskFull, "free space on the file system of the state folder; the journal goes on by itself")
        case .SQLITE_IOERR:
            (.inputOutput, "look into the kernel's log: the disk or its file system fails")
        case .SQLITE_READONLY, .SQLITE_PERM:
            (.notWritable, "is the file system mounted read-only, or does the state folder belong to another user?")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            (.damaged, "start the agent again: it keeps the damaged journal aside and begins a new one")
        case .SQLITE_CANTOPEN, .SQLITE_AUTH:
            (.cannotOpen, "does the state folder exist, and may this user write there?")
        default: (.other, nil)
        }
    }
}
