package import PouchKit

/// What the operator should know about the watching of a folder.
package enum WatchNotice: Hashable, Sendable, CustomStringConvertible {
    /// The watched folder is not there (any more). Nothing is concluded about the files in it.
    case vanished(folder: String, cause: String)
    /// Something else lies at its path now: another folder, or the same path on another device (unmounted, mounted over).
    case replaced(folder: String, isOtherDevice: Bool)
    /// It is there again and watched again.
    case returned(folder: String)
    /// Events were lost; everything is looked at instead, so that nothing is.
    case overflowed(folder: String)
    /// Too many folders for the system's limit: those that are left are swept instead.
    case watchLimit(folder: String, unwatched: Int, need: Int, limit: Int)
    /// No events at all can be had here: the folder is swept only.
    case sweptOnly(folder: String, reason: String)
    /// A file that cannot be opened, or a folder that cannot be listed.
    case unreadable(path: DropPath, cause: String)
    /// Folders below are not entered.
    case tooDeep(path: DropPath, limit: Int)
    /// Whether somebody is writing cannot be asked of the kernel.
    case leaseNotPermitted(path: DropPath)
    /// The last sweep could not look at everything.
    case sweepFailed(folder: String, cause: String)

    /// One line, and a second one with what to do where there is something to do.
    package var description: String {
        switch self {
        case .vanished(let folder, let cause): "the drop folder \(folder) is gone: \(cause)"
        case .replaced(let folder, let isOtherDevice):
            "the drop folder \(folder) is another folder now"
                + (isOtherDevice ? "\nhint: it lies on another device: was something unmounted, or mounted over it?" : "")
        case .returned(let folder): "the drop folder \(folder) is there again"
        case .overflowed(let folder): "more happened in \(folder) than could be followed; all of it is looked at now"
        case .watchLimit(let folder, let unwatched, let need, let limit):
            "\(unwatched) folders in \(folder) are swept instead of watched: need \(need), limit \(limit)"
                + "\nhint: sysctl fs.inotify.max_user_watches=\(Self.suggestion(for: need))"
        case .sweptOnly(let folder, let reason): "the drop folder \(folder) is swept only: \(reason)"
        case .unreadable(let path, let cause): "cannot read \(path): \(cause)"
        case .tooDeep(let path, let limit): "\(path) lies \(limit) folders deep and is not entered"
        case .leaseNotPermitted(let path):
            "cannot ask whether \(path) is being written to: files of other owners are taken \(Settling.quietPeriod) after they stopped changing"
                + "\nhint: run as the owner of the files, or give the agent CAP_LEASE"
        case .sweepFailed(let folder, let cause): "could not look at everything in \(folder): \(cause)"
        }
    }

    /// Half as much again, in whole 64 Ki.
    static func suggestion(for need: Int) -> Int { (need + need / 2 + 65_535) / 65_536 * 65_536 }
}
