import CLinux
import Glibc
import PouchKit

/// What lies under a folder.
package enum Filesystem {
    package enum Kind: Hashable, Sendable {
        case local
        /// Others may change files without this kernel's seeing it, and a call may hang for as long as the server is away.
        case network(name: String)
    }

    package struct Space: Hashable, Sendable {
        /// 0 where the file system does not know; then the free bytes say nothing.
        package let totalBytes: Int64
        /// For this user: what is reserved for root is not counted.
        package let freeBytes: Int64
        /// 0 where the file system has no fixed number of inodes.
        package let totalInodes: Int64
        package let freeInodes: Int64
        package let isReadOnly: Bool
    }

    package static func kind(of descriptor: Int32) throws(FileProblem) -> Kind {
        var type: UInt32 = 0
        let answer = SystemCall.shim { pouch_filesystem_type(descriptor, &type) }
        guard answer >= 0 else {
            throw FileProblem(operation: "ask for the file system of", path: "descriptor \(descriptor)", errno: -answer)
        }
        return networkNames[type].map { .network(name: $0) } ?? .local
    }

    package static func space(of descriptor: Int32, path: String = "the folder") throws(FileProblem) -> Space {
        var status = statvfs()
        let answer = SystemCall.answer { fstatvfs(descriptor, &status) }
        guard answer >= 0 else { throw FileProblem(operation: "ask for the space of", path: path, errno: -answer) }
        return Space(
            totalBytes: bytes(UInt64(status.f_blocks), blockSize: UInt64(status.f_frsize)),
            freeBytes: bytes(UInt64(status.f_bavail), blockSize: UInt64(status.f_frsize)),
            totalInodes: Int64(clamping: status.f_files),
            freeInodes: Int64(clamping: status.f_favail),
            isReadOnly: status.f_flag & UInt(ST_RDONLY) != 0
        )
    }

    package static func freeBytes(_ path: String) throws(FileProblem) -> Int64 {
        let folder = try DirectoryHandle.open(path)
        return try space(of: folder.descriptor, path: path).freeBytes
    }

    private static func bytes(_ blocks: UInt64, blockSize: UInt64) -> Int64 {
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: blockSize)
        return overflow ? .max : Int64(clamping: bytes)
    }

    /// The magic numbers of statfs(2), of what a server or another host can change behind our back. FUSE may be local, and nobody can
    /// tell.
    private static let networkNames: [UInt32: String] = [
        0x6969: "nfs", 0x517B: "smb", 0xFF53_4D42: "cifs", 0xFE53_4D42: "smb3", 0x564C: "ncp", 0x5346_414F: "afs",
        0x6B41_4653: "afs", 0x00C3_6400: "ceph", 0x0102_1997: "9p", 0x6573_5546: "fuse", 0x0BD0_0BD3: "lustre",
        0x0116_1970: "gfs2", 0x7461_636F: "ocfs2", 0x7375_7245: "coda", 0x4750_4653: "gpfs", 0x786F_4256: "vboxsf",
        0x2003_0528: "orangefs",
    ]
}
