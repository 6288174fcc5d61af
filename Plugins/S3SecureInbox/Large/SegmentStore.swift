import PouchAWS
import PouchCrypto
import PouchHTTP
import PouchKit

/// Stores a large file as segments: objects of their own, one PUT each, so that nobody needs to decrypt; then the index that makes a
/// file of them.
struct SegmentStore: PartStore {
    let storage: Storage
    let plan: PartPlan

    private var run: DeliveryRun { storage.run }
    private var repository: InboxPlan.Repository { storage.repository }
    var attempt: String { storage.attempt }

    /// A folder of its own for each beginning: what an earlier one left is never written over, in a bucket without versions either.
    func begin() async throws(DeliveryFailure) -> PartialStore.Place {
        let key = try storage.key()
        let folder = SegmentIndex.place(besideIndex: key) + DeliveryID.random().shortForm + "/"
        let longest = folder + Self.name(of: plan.count)
        guard longest.utf8.count <= DeliveryKey.longestKey else { throw storage.tooLong(longest) }
        return .segments(below: folder)
    }

    func send(
        _ part: OutgoingPart,
        to place: PartialStore.Place,
        progress: @escaping @Sendable (Int64) -> Void
    ) async throws(PartTrouble) -> (part: PartialStore.Part, requests: Int) {
        guard case .segments(let folder) = place else { throw .useless("what was stored before are no segments") }
        var attributes = storage.attributes(metadata: [
            (Consignment.deliveryName, run.context.delivery.description), ("pouch-segment", "\(part.number)/\(plan.count)"),
        ])
        attributes.contentType = "application/octet-stream"
        var put = PutObject(
            bucket: repository.place, key: folder + Self.name(of: part.number),
            body: .file(
                descriptor: run.file.descriptor, offset: part.range.lowerBound, count: Int64(part.range.count)),
            digests: part.digests, attributes: attributes)
        put.budget = run.context.budget
        do throws(DeliveryFailure) {
            let answer = try await storage.send(put, progress: progress)
            return (
                PartialStore.Part(
                    etag: answer.etag, versionID: answer.versionID, checksum: answer.checksum ?? part.digests.crc64nvme),
                answer.requests
            )
        } catch {
            throw .failure(error)
        }
    }

    func finish(
        _ partial: PartialStore,
        _ digests: FileDigests,
        requests: Int,
        since start: Duration
    ) async throws(PartTrouble) -> Progress.Stored {
        guard case .segments(let folder) = partial.place else { throw .useless("what was stored before are no segments") }
        do throws(DeliveryFailure) {
            return try await storeIndex(try index(partial, folder, digests), digests, requests: requests, since: start)
        } catch {
            throw .failure(error)
        }
    }

    private func index(
        _ partial: PartialStore,
        _ folder: String,
        _ digests: FileDigests
    ) throws(DeliveryFailure) -> SegmentIndex {
        let segments = plan.numbers.compactMap { number in
            partial.parts[number].map { part in
                SegmentIndex.Segment(
                    name: Self.name(of: number), version: part.versionID, etag: part.etag, size: plan.size(of: number),
                    crc64nvme: part.checksum)
            }
        }
        return SegmentIndex(
            delivery: run.context.delivery, name: PercentEncoding.encodedForMetadata(run.file.path.name), size: run.file.size,
            digests: digests, below: folder, segments: segments)
    }

    private func storeIndex(
        _ index: SegmentIndex,
        _ digests: FileDigests,
        requests: Int,
        since start: Duration
    ) async throws(DeliveryFailure) -> Progress.Stored {
        let bytes: [UInt8]
        do {
            bytes = try index.json
        } catch {
            throw DeliveryFailure(.quarantine, code: "index-unwritable", attempt: attempt, cause: "\(error)")
        }
        var consignment = run.consignment(digests)
        consignment.form = .segments
        var attributes = storage.attributes(metadata: try consignment.repositoryMetadata(attempt: attempt))
        attributes.contentType = SegmentIndex.contentType
        let key = try storage.key()
        let put = PutObject(
            bucket: repository.place, key: key, body: .bytes(bytes),
            digests: PartDigests(crc64nvme: CRC64NVMEHasher.checksum(of: bytes)), attributes: attributes)
        let answer = try await storage.inSlot { () async throws(DeliveryFailure) in try await storage.send(put) }
        var facts = storage.facts(key: key, answer)
        facts["crc64nvme"] = digests.crc64nvme.base64
        facts["segments"] = "\(plan.count)"
        facts["segmentBytes"] = "\(plan.partSize)"
        return storage.stored(
            RepositoryObject(key: key, versionID: answer.versionID, etag: answer.etag), form: .segments, digests, facts,
            requests: requests + answer.requests, since: start)
    }

    /// `00001`: in the order of the file when listed.
    private static func name(of number: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: 5 - digits.count) + digits
    }
}
