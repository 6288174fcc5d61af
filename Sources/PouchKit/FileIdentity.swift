/// What makes a file this file and no other: a path can be given to another file, an inode number is used again, and a
/// rename changes ctime, which is why ctime is not here.
public struct FileIdentity: Hashable, Sendable, Codable {
    public let device: UInt64
    public let inode: UInt64
    /// Nanoseconds since 1970; 0 where the file system keeps no birth time.
    public let birth: Int64
    public let size: Int64
    /// Nanoseconds since 1970.
    public let modified: Int64

    public init(device: UInt64, inode: UInt64, birth: Int64, size: Int64, modified: Int64) {
        self.device = device
        self.inode = inode
        self.birth = birth
        self.size = size
        self.modified = modified
    }

    /// The same file, whether or not it was written to in between.
    public func isSameFile(as other: FileIdentity) -> Bool {
        device == other.device && inode == other.inode && birth == other.birth
    }
}
