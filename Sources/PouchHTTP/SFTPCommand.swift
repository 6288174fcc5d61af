import PouchKit

/// A step at the server besides a transfer.
package enum SFTPCommand: Hashable, Sendable {
    /// By SSH_FXP_RENAME of version 3, which does not replace what is there; some servers do all the same.
    case rename(from: String, to: String)
    case remove(String)
    /// Makes one folder.
    case makeFolder(String)
    case setMode(UInt16, of: String)
    /// Seconds since 1970.
    case setModified(Int64, of: String)
    /// Asks for the space around a path (`statvfs@openssh.com`).
    case freeSpace(at: String)
    /// The command, and its failure is no failure.
    indirect case perhaps(SFTPCommand)

    /// In libcurl's notation.
    var line: String {
        switch self {
        case .rename(let from, let to): "rename \(Self.quoted(from)) \(Self.quoted(to))"
        case .remove(let path): "rm \(Self.quoted(path))"
        case .makeFolder(let path): "mkdir \(Self.quoted(path))"
        case .setMode(let mode, let path): "chmod \(String(mode, radix: 8)) \(Self.quoted(path))"
        case .setModified(let seconds, let path): "mtime \"\(Self.date(seconds))\" \(Self.quoted(path))"
        case .freeSpace(let path): "statvfs \(Self.quoted(path))"
        case .perhaps(let command): "*" + command.line
        }
    }

    var paths: [String] {
        switch self {
        case .rename(let from, let to): [from, to]
        case .remove(let path), .makeFolder(let path), .setMode(_, let path), .setModified(_, let path), .freeSpace(let path):
            [path]
        case .perhaps(let command): command.paths
        }
    }

    /// libcurl takes a quoted name literally but for the three characters that it escapes.
    private static func quoted(_ path: String) -> String {
        path.unicodeScalars.reduce(into: "\"") { text, scalar in
            if scalar == "\"" || scalar == "\\" || scalar == "'" { text += "\\" }
            text.unicodeScalars.append(scalar)
        } + "\""
    }

    /// `25 Nov 2026 12:30:00 GMT`, one of the forms that curl_getdate reads; `2026-11-25` is none.
    private static func date(_ seconds: Int64) -> String {
        let date = CivilDate(secondsSince1970: seconds)
        let time = [date.hour, date.minute, date.second].map(twoDigits).joined(separator: ":")
        return "\(twoDigits(date.day)) \(months[date.month - 1]) \(date.year) \(time) GMT"
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
