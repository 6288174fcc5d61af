import CLinux
import Glibc

/// Opens what lies beneath a folder as openat2 does with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, and without that call.
///
/// Service managers refuse it to programs that shall make no set-user-ID files (`RestrictSUIDSGID=`): its flags lie in memory, where no filter
/// can look. One part is opened after the other, each through the descriptor of the one before: nobody who swaps a folder or plants a link
/// meanwhile can lead us elsewhere.
package enum StepwiseOpening {
    /// - Parameter flags: of the last part. Links are not followed, whatever they say.
    /// - Returns: a descriptor, or the negative error number: `ELOOP` for a link, `EXDEV` for a path that would leave the folder.
    package static func open(_ relative: [UInt8], beneath folder: Int32, flags: UInt64, mode: UInt64 = 0) -> Int32 {
        let slash = UInt8(ascii: "/")
        guard relative.first != slash, !relative.isEmpty else { return relative.isEmpty ? -ENOENT : -EXDEV }
        let parts = relative.split(separator: slash).map(Array.init)
        guard !parts.contains(Array("..".utf8)) else { return -EXDEV }
        let mustBeFolder = relative.last == slash ? UInt64(O_DIRECTORY) : 0
        var place = folder
        defer { if place != folder { close(place) } }
        for part in parts.dropLast() {
            let next = step(part, in: place, flags: pouch_open_path_only() | UInt64(O_DIRECTORY))
            guard next >= 0 else { return next }
            if place != folder { close(place) }
            place = next
        }
        // `parts` is not empty: the path begins with something else than a slash.
        return step(parts[parts.count - 1], in: place, flags: flags | mustBeFolder, mode: mode)
    }

    private static func step(_ part: [UInt8], in place: Int32, flags: UInt64, mode: UInt64 = 0) -> Int32 {
        SystemCall.withName(part) { name in
            let flags = Int32(truncatingIfNeeded: flags) | O_NOFOLLOW | O_CLOEXEC
            let answer = SystemCall.answer { openat(place, name, flags, mode_t(mode)) }
            guard answer == -ENOTDIR else { return answer }
            // With O_DIRECTORY a link is called "not a directory".
            var found = stat()
            guard fstatat(place, name, &found, AT_SYMLINK_NOFOLLOW) == 0 else { return answer }
            return found.st_mode & S_IFMT == S_IFLNK ? -ELOOP : answer
        }
    }
}
