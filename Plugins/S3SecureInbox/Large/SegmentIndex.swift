import FoundationEssentials
import PouchCrypto
import PouchKit

/// Which objects together are a file, and in which order: the content of the index object. The format is documented in
/// `docs/segments.md`.
struct SegmentIndex: Codable, Hashable, Sendable {
    static let format = 1
    static let contentType = "application/vnd.pouch.segments+json"
    /// The folder of the segments beside the index; nothing else may lie there.
    static let folder = ".segments"

    struct Segment: Codable, Hashable, Sendable {
        /// Below the index's `below`.
        let name: String
        /// `nil` in a bucket without versions.
        let version: String?
        let etag: String
        let size: Int64
        let crc64nvme: CRC64NVME
    }

    let format: Int
    let delivery: DeliveryID
    /// Percent-encoded, as in the metadata; `nil` where it is not known.
    let name: String?
    /// Of the whole file, as all that follows.
    let size: Int64
    let sha256: SHA256Digest
    let crc64nvme: CRC64NVME
    /// Where the segments lie: a key that ends in `/`.
    let below: String
    /// In the order of the file.
    let segments: [Segment]

    init(delivery: DeliveryID, name: String?, size: Int64, digests: FileDigests, below: String, segments: [Segment]) {
        format = Self.format
        self.delivery = delivery
        self.name = name
        self.size = size
        sha256 = digests.sha256
        crc64nvme = digests.crc64nvme
        self.below = below
        self.segments = segments
    }

    var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(self))
        }
    }

    /// Why an index cannot be used.
    struct Flaw: Error, Hashable, CustomStringConvertible { let description: String }

    private struct Version: Decodable { let format: Int }

    /// Reads an index that somebody stored.
    ///
    /// - Parameter key: Of the index: its segments lie below it.
    /// - Throws: `Flaw` when it is of another format, or what it says of itself does not fit together.
    init(json: [UInt8], at key: String) throws(Flaw) {
        let data = Data(json)
        guard let version = try? JSONDecoder().decode(Version.self, from: data) else {
            throw Flaw(description: "it is not the index of a file in segments")
        }
        guard version.format == Self.format else {
            throw Flaw(description: "it is of format \(version.format), and this version reads format \(Self.format)")
        }
        do {
            self = try JSONDecoder().decode(SegmentIndex.self, from: data)
        } catch {
            throw Flaw(description: "it cannot be read: \(VisibleText.escaped("\(error)"))")
        }
        if let flaw = flaw(at: key) { throw flaw }
    }

    private func flaw(at key: String) -> Flaw? {
        // Nothing else of the repository can be brought into an inbox by an index.
        guard below.utf8.starts(with: Self.place(besideIndex: key).utf8), below.hasSuffix("/") else {
            return Flaw(description: "its segments are at \(VisibleText.escaped(below)), which is not beside it")
        }
        guard (1...Int(PartPlan.mostParts)).contains(segments.count) else {
            return Flaw(description: "it has \(segments.count) segments")
        }
        for (position, segment) in segments.enumerated() {
            let isLast = position == segments.count - 1
            guard (isLast ? 1 : PartPlan.smallestPart)...PartPlan.largestPart ~= segment.size else {
                return Flaw(description: "segment \(position + 1) has \(segment.size) bytes")
            }
        }
        guard segments.reduce(0, { $0 + $1.size }) == size else {
            return Flaw(description: "its segments do not have \(size) bytes")
        }
        guard Self.checksum(of: segments) == crc64nvme else {
            return Flaw(description: "the checksums of its segments do not give the file's")
        }
        return nil
    }

    static func checksum(of segments: [Segment]) -> CRC64NVME {
        segments.reduce(CRC64NVME(0)) { CRC64NVMEHasher.combine($0, $1.crc64nvme, lengthOfSecond: $1.size) }
    }

    /// Where the segments of the index at that key lie.
    static func place(besideIndex key: String) -> String {
        let folder = key.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(key[...$0]) } ?? ""
        return folder + Self.folder + "/"
    }
}
