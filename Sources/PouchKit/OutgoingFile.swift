/// Reads a part of a file for its digests.
public typealias PartDigesting =
    @Sendable (Range<Int64>, PartDigests.Kind) async throws(DeliveryFailure) -> PartDigests

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
    private let partDigest: PartDigesting
    private let known: @Sendable () -> FileDigests?
    private let verify: @Sendable () throws(DeliveryFailure) -> Void

    public init(
        path: DropPath,
        size: Int64,
        modified: Timestamp,
        descriptor: Int32,
        digests: @escaping @Sendable () async throws(DeliveryFailure) -> FileDigests,
        partDigests: @escaping PartDigesting = OutgoingFile.wholeOnly,
        knownDigests: @escaping @Sendable () -> FileDigests? = { nil },
        verifyUnchanged: @escaping @Sendable () throws(DeliveryFailure) -> Void
    ) {
        self.path = path
        self.size = size
        self.modified = modified
        self.descriptor = descriptor
        digest = digests
        partDigest = partDigests
        known = knownDigests
        verify = verifyUnchanged
    }

    /// SHA-256 and CRC-64/NVME of the whole file, computed in one reading and shared by all partners.
    ///
    /// - Throws: `DeliveryFailure` with `.sourceChanged` when the file changed meanwhile, `.retry` when it could not be read.
    public func digests() async throws(DeliveryFailure) -> FileDigests { try await digest() }

    /// The same of one part, for those who send parts: hash one, send it while it is still in memory, go on to the next. Parts asked
    /// for one after the other, from the file's start to its end, make the file's own digests on the way: `digests` then answers
    /// without another reading.
    ///
    /// - Throws: as `digests`.
    public func digests(of part: Range<Int64>, _ kind: PartDigests.Kind) async throws(DeliveryFailure) -> PartDigests {
        try await partDigest(part, kind)
    }

    /// The file's digests if they are known without reading: from an earlier attempt, or from another partner's delivery.
    public var knownDigests: FileDigests? { known() }

    /// Looks whether the file is still what was claimed (size and modification time, by `fstat`). Call it after the last
    /// byte was read and before anything that the partner can see.
    ///
    /// - Throws: `DeliveryFailure` with `.sourceChanged`.
    public func verifyUnchanged() throws(DeliveryFailure) { try verify() }

    /// For files that are lent as a whole only: destinations that send parts hold them.
    public static let wholeOnly: PartDigesting = { (_, _) async throws(DeliveryFailure) in
        throw DeliveryFailure(
            .hold, code: "whole-only", attempt: "read a part of the file",
            cause: "it is lent as a whole, and cannot be sent in parts")
    }
}
