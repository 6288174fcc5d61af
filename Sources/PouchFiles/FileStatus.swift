import CLinux
package import PouchKit

/// What the system knows about a file (statx, with the birth time).
package struct FileStatus: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case regular, directory, symlink, fifo, socket, device
    }

    package let identity: FileIdentity
    package let kind: Kind
    /// Permission bits, set-id and sticky bits included; not the kind.
    package let mode: UInt16
    package let owner: UInt32
    package let group: UInt32
    /// Names that this file has. More than one: it can be written to through another name.
    package let links: UInt32
    /// Bytes on disk; less than the size when the file has holes.
    package let allocated: Int64
    /// Where another file system begins: what lies here when it is not mounted is something else.
    package let isMountRoot: Bool
    /// Nanoseconds since 1970: the last change of contents, name, owner or mode. The system's own, nobody can set it.
    package let changed: Int64

    package var size: Int64 { identity.size }
    package var isRegular: Bool { kind == .regular }
    package var isDirectory: Bool { kind == .directory }

    /// - Throws: `FileProblem` when the descriptor is not open, or the server of the file does not answer.
    package init(descriptor: Int32, path: String) throws(FileProblem) {
        try self.init(folder: descriptor, name: [], path: path)
    }

    /// Of one name in a folder, of the link itself when it is one; an empty name: of the descriptor.
    init(folder: Int32, name: [UInt8], path: @autoclosure () -> String) throws(FileProblem) {
        var raw = statx()
        let answer = SystemCall.withPath(name) { name in SystemCall.shim { pouch_statx(folder, name, &raw) } }
        guard answer >= 0 else { throw FileProblem(operation: "look at", visiblePath: path(), errno: -answer) }
        self.init(raw)
    }

    private init(_ raw: statx) {
        let hasBirth = raw.stx_mask & UInt32(STATX_BTIME) != 0
        identity = FileIdentity(
            device: Self.device(major: raw.stx_dev_major, minor: raw.stx_dev_minor),
            inode: raw.stx_ino,
            birth: hasBirth ? Self.nanoseconds(raw.stx_btime) : 0,
            size: Int64(clamping: raw.stx_size),
            modified: Self.nanoseconds(raw.stx_mtime)
        )
        kind = Self.kind(raw.stx_mode & 0o170000)
        mode = raw.stx_mode & 0o7777
        owner = raw.stx_uid
        group = raw.stx_gid
        links = raw.stx_nlink
        allocated = Int64(clamping: raw.stx_blocks) * 512
        isMountRoot = raw.stx_attributes & Self.mountRoot != 0
        changed = Self.nanoseconds(raw.stx_ctime)
    }

    /// STATX_ATTR_MOUNT_ROOT of statx(2).
    private static let mountRoot: UInt64 = 0x2000

    /// The numbers of inode(7): both the Glibc module and ours would bring the macros, and then neither can be used.
    private static func kind(_ bits: UInt16) -> Kind {
        switch bits {
        case 0o100000: .regular
        case 0o040000: .directory
        case 0o120000: .symlink
        case 0o010000: .fifo
        case 0o140000: .socket
        default: .device
        }
    }

    /// Saturating: a file may claim to be from the year 292 billion.
    private static func nanoseconds(_ time: statx_timestamp) -> Int64 {
        let (whole, overflow) = time.tv_sec.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return time.tv_sec < 0 ? .min : .max }
        let (sum, tooMuch) = whole.addingReportingOverflow(Int64(time.tv_nsec))
        return tooMuch ? .max : sum
    }

    /// glibc's encoding of `st_dev`.
    private static func device(major: UInt32, minor: UInt32) -> UInt64 {
        let (major, minor) = (UInt64(major), UInt64(minor))
        return (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & ~0xFF) << 12
    }
}
