package import PouchKit

/// One use of a session: commands, one transfer, commands. It stops at the first that fails.
///
/// Paths are the server's: absolute, or relative to the folder that the login leads to.
package struct SFTPRequest: Sendable {
    package enum Transfer: Sendable {
        case nothing
        case upload(SFTPUpload)
        /// Whether something is there, its size and time. The size is unknown where the server lets nobody read it.
        case look(path: String, withTime: Bool)
        /// Whether a folder is there: no file, and no link to one.
        case lookForFolder(path: String)
        /// Comes to `after` only where a file of exactly this size lies; otherwise it ends with `.sizeDiffers`.
        case verify(path: String, size: Int64)
        /// Reads a part and hands it on piece by piece, on the engine's thread; false ends the transfer with `.stopped`.
        case read(path: String, offset: Int64, count: Int64?, taking: @Sendable (UnsafeRawBufferPointer) -> Bool)
    }

    package var before: [SFTPCommand]
    package var transfer: Transfer
    package var after: [SFTPCommand]
    /// Whose rate an upload keeps to, together with everything else that shares it; `nil`: as fast as it goes.
    package var budget: TransferBudget?

    package init(
        before: [SFTPCommand] = [], _ transfer: Transfer = .nothing, after: [SFTPCommand] = [],
        budget: TransferBudget? = nil
    ) {
        self.before = before
        self.transfer = transfer
        self.after = after
        self.budget = budget
    }
}

/// What is to lie under a path.
package struct SFTPUpload: Sendable {
    package var path: String
    /// A file it names must stay open until the request is over.
    package var body: HTTPBody
    /// 0 writes the file anew. Otherwise so many bytes lie there already and the rest is appended: the server must have exactly
    /// these, which nobody checks here.
    package var offset: Int64
    /// Of a new file, as the server's umask leaves it.
    package var mode: UInt16
    /// Makes the folders of the path where they are missing, with this mode.
    package var folderMode: UInt16?
    /// Sees the bytes in their order as they are read from the body, on the engine's thread.
    package var tap: (@Sendable (UnsafeRawBufferPointer) -> Void)?

    package init(
        path: String, body: HTTPBody, offset: Int64 = 0, mode: UInt16 = 0o640, folderMode: UInt16? = nil,
        tap: (@Sendable (UnsafeRawBufferPointer) -> Void)? = nil
    ) {
        self.path = path
        self.body = body
        self.offset = offset
        self.mode = mode
        self.folderMode = folderMode
        self.tap = tap
    }
}

/// What a request ended with.
package struct SFTPAnswer: Sendable {
    /// What `look` found; `nil` when nothing is there. Without meaning for other transfers.
    package let status: SFTPStatus?
    /// What `freeSpace` found.
    package let space: SFTPSpace?
}

package struct SFTPStatus: Hashable, Sendable {
    /// `nil` where the server does not let us open it.
    package let size: Int64?
    /// Seconds since 1970, by the server's clock; `nil` when it was not asked for.
    package let modified: Int64?

    package init(size: Int64?, modified: Int64? = nil) {
        self.size = size
        self.modified = modified
    }
}

/// The file system of a folder at the server.
package struct SFTPSpace: Hashable, Sendable {
    package let freeBytes: Int64
    package let isReadOnly: Bool

    package init(freeBytes: Int64, isReadOnly: Bool) {
        self.freeBytes = freeBytes
        self.isReadOnly = isReadOnly
    }

    /// From the lines that libcurl makes of the answer to `statvfs`.
    init?(_ text: String) {
        var fields: [Substring: UInt64] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = UInt64(parts[1].drop { $0 == " " }) }
        }
        guard let block = fields["f_frsize"], let free = fields["f_bavail"] else { return nil }
        let (bytes, isTooMany) = block.multipliedReportingOverflow(by: free)
        freeBytes = isTooMany ? .max : Int64(clamping: bytes)
        // SSH_FXE_STATVFS_ST_RDONLY of statvfs@openssh.com.
        isReadOnly = (fields["f_flag"] ?? 0) & 1 == 1
    }
}
