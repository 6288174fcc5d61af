import PouchCrypto
import PouchFiles
package import PouchKit

extension ObjectStore {
    /// Reads a range of a body in blocks, on threads where waiting for the disk harms nobody.
    package func forEachBlock(
        of body: StoredBody,
        in range: ClosedRange<Int64>,
        _ take: ([UInt8]) async throws -> Void
    ) async throws {
        for slice in body.slices(of: range) {
            let file = try bodies.open(slice.file)
            var offset = slice.offset
            let end = slice.offset + slice.length
            while offset < end {
                let (start, count) = (offset, Int(min(end - offset, 512 << 10)))
                let block = try await onBlockingThread { () throws(FileProblem) in
                    try file.block(at: start, count: count)
                }
                try await take(block)
                offset += Int64(count)
            }
        }
    }

    /// A checksum of the whole body, by reading it.
    package func checksum(of body: StoredBody, by algorithm: ChecksumAlgorithm) async throws -> [UInt8] {
        if algorithm == .crc64nvme { return Hexadecimal.bigEndianBytes(of: body.crc64nvme.value) }
        return try await onBlockingThread {
            var hasher = ChecksumHasher(algorithm)
            for extent in body.extents {
                try self.read(extent) { hasher.update($0) }
            }
            return hasher.finish()
        }
    }

    /// The part of a body that a range covers. Where a file is cut, its checksum is computed by reading the piece.
    package func cut(_ body: StoredBody, to range: ClosedRange<Int64>) async throws -> StoredBody {
        var extents: [Extent] = []
        for slice in body.slices(of: range) {
            if let whole = body.extents.first(where: {
                $0.file == slice.file && $0.offset == slice.offset && $0.length == slice.length
            }) {
                extents.append(whole)
                continue
            }
            let crc = try await onBlockingThread {
                var hasher = CRC64NVMEHasher()
                try self.read(slice) { hasher.update($0) }
                return hasher.value
            }
            extents.append(Extent(file: slice.file, offset: slice.offset, length: slice.length, crc64nvme: crc))
        }
        return StoredBody(extents: extents)
    }

    private func read(_ extent: Extent, _ take: (UnsafeRawBufferPointer) -> Void) throws(FileProblem) {
        let file = try bodies.open(extent.file)
        var offset = extent.offset
        let end = extent.offset + extent.length
        while offset < end {
            let block = try file.block(at: offset, count: Int(min(end - offset, 1 << 20)))
            block.withUnsafeBytes(take)
            offset += Int64(block.count)
        }
    }
}

extension StoredBody {
    /// Of the whole, from those of its runs.
    package var crc64nvme: CRC64NVME {
        extents.reduce(CRC64NVMEHasher.checksum(of: [])) { sum, extent in
            CRC64NVMEHasher.combine(sum, extent.crc64nvme, lengthOfSecond: extent.length)
        }
    }

    /// The runs of bytes that a range covers. Their checksums are those of the whole runs: see `ObjectStore.cut`.
    package func slices(of range: ClosedRange<Int64>) -> [Extent] {
        var slices: [Extent] = []
        var start: Int64 = 0
        for extent in extents {
            let low = max(range.lowerBound, start)
            let high = min(range.upperBound + 1, start + extent.length)
            if low < high {
                slices.append(
                    Extent(file: extent.file, offset: extent.offset + low - start, length: high - low, crc64nvme: extent.crc64nvme))
            }
            start += extent.length
        }
        return slices
    }
}

extension SharedFile {
    /// Exactly so many bytes.
    fileprivate func block(at offset: Int64, count: Int) throws(FileProblem) -> [UInt8] {
        var problem: FileProblem?
        let block = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
                do throws(FileProblem) {
                    let read = try file.read(at: offset + Int64(filled), into: rest)
                    guard read > 0 else { throw FileProblem(operation: "read", path: path, errno: 5) }
                    filled += read
                } catch {
                    problem = error
                    return
                }
            }
        }
        if let problem { throw problem }
        return block
    }
}
