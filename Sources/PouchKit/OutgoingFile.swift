/// The file of a delivery, as an adapter may use it: a descriptor that is lent, its size, its digests, its original name.
/// Its bytes are never held in memory.
public struct OutgoingFile: Sendable {
    /// The path in the drop folder.
    public let path: DropPath
    /// Bytes. Fixed at the claim: a file that has another size when it is read has changed.
    public let size: Int64
    /// The file's own modification time.
    public let modified: Timestamp
    /// Open for reading for as long as `deliver` runs. Read with `pread`, never move its offset, never close it: several
    /// partners of one file share it.
    public let descriptor: Int32

    private let digest: @Sendable () async throws(DeliveryFailure) -> FileDigests
    private let verify: @Sendable () throws(DeliveryFailure) -> Void

    public init(
        path: DropPath,
        size: Int64,
        modified: Timestamp,
        descriptor: Int32,
        digests: @escaping @Sendable () async throws(DeliveryFailure) -> FileDigests,
        verifyUnchanged: @escaping @Sendable () throws(DeliveryFailure) -> Void
    ) {
        self.path = path
        self.size = size
        self.modified = modified
        self.descriptor = descriptor
        digest = digests
        verify = verifyUnchanged
    }

    /// SHA-256 and CRC-64/NVME of the whole file, computed in one reading before the first delivery and shared by all
    /// partners.
    ///
    /// - Throws: `DeliveryFailure` with `.sourceChanged` when the file changed meanwhile, `.retry` when it could not be read.
    public func digests() async throws(DeliveryFailure) -> FileDigests { try await digest() }

    /// Looks whether the file is still what was claimed (size and modification time, by `fstat`). Call it after the last
    /// byte was read and before anything that the partner can see.
    ///
    /// - Throws: `DeliveryFailure` with `.sourceChanged`.
    public func verifyUnchanged() throws(DeliveryFailure) { try verify() }
}
