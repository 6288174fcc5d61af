import PouchAWS
import PouchKit

/// The publication of what one copy does not take.
extension Publication {
    /// What S3 copies in one request while others wait for their turn.
    private static let preferredRange: Int64 = 512 << 20

    func assemble(
        at key: DeliveryKey,
        _ standing: StandingAnnouncement,
        _ log: inout Log
    ) async throws(DeliveryFailure) -> CopyResult {
        let upload = standing.current?.upload
        // Hours of copying are not begun for a key that is taken: only completing would tell.
        if upload == nil, leg.whenTaken != .replace {
            switch await look(at: key, &log) {
            case .ours, .foreign: return .goOn(.taken(perhapsByUs: false))
            case .absent, .notPermitted, .unanswered: break
            }
        }
        guard let pieces = try await pieces() else {
            if let upload { await leg.abort(upload) }
            return .sourceGone
        }
        let requests = AssemblyLog()
        let assembly = Assembly(
            leg: leg, attempt: attempt, budget: budget, pieces: pieces, checksum: consignment.digests.crc64nvme,
            key: target.prefix + key.description, attributes: attributes, storedEarlier: storedEarlier, log: requests,
            note: { [memory, before = log.requests] (upload) async throws(DeliveryFailure) in
                var publishing = Progress.Publishing(key: key, requests: before + requests.requests)
                publishing.upload = upload
                try await memory.announce(publishing)
                standing.change(to: publishing)
            })
        defer {
            log.requests += requests.requests
            log.latest = requests.latest ?? log.latest
        }
        switch try await assembly.run(resuming: upload) {
        case .completed(let answer):
            log.landed = Landed(answer)
            return .goOn(.done)
        case .found: return .goOn(.vanished)
        case .taken(let perhapsByUs): return .goOn(.taken(perhapsByUs: perhapsByUs))
        case .unknown: return .goOn(.unknown)
        case .sourceGone: return .sourceGone
        case .interrupted(let failure): return .interrupted(failure)
        }
    }

    /// `nil` when there is nothing to copy from.
    private func pieces() async throws(DeliveryFailure) -> [Assembly.Piece]? {
        switch shape {
        case .object(let object):
            guard let plan = PartPlan(byteCount: consignment.size, preferring: Self.preferredRange) else {
                throw unusable("it has \(consignment.size) bytes, and one object takes \(PartPlan.largestObject)")
            }
            return plan.numbers.map { number in
                Assembly.Piece(
                    source: leg.source(object), range: plan.range(of: number), size: plan.size(of: number), checksum: nil)
            }
        case .segments(let index):
            guard let index = try await self.index(at: index) else { return nil }
            return index.segments.map { segment in
                Assembly.Piece(
                    source: leg.source(
                        RepositoryObject(key: index.below + segment.name, versionID: segment.version, etag: segment.etag)),
                    range: nil, size: segment.size, checksum: segment.crc64nvme)
            }
        }
    }

    private func index(at object: RepositoryObject) async throws(DeliveryFailure) -> SegmentIndex? {
        let answer: SmallObject
        do throws(AWSFailure) {
            answer = try await leg.s3.getSmallObject(
                in: leg.repository.place, key: object.key, versionID: object.versionID)
        } catch {
            if error.status == 404 || leg.isPerhapsExpired(error, storedEarlier: storedEarlier) { return nil }
            throw Diagnosis.failure(
                error,
                of: AttemptedCall(
                    attempt: "read the index of \(VisibleText.escaped(object.key))", side: .repository,
                    identity: leg.publisher.label, bucket: leg.repository.place, key: object.key,
                    keyARN: leg.repository.key))
        }
        // Somebody stored another one over it, in a bucket without versions.
        guard answer.etag == nil || answer.etag == object.etag else { return nil }
        do throws(SegmentIndex.Flaw) {
            let index = try SegmentIndex(json: answer.bytes, at: object.key)
            guard index.delivery == consignment.delivery, index.size == consignment.size,
                index.sha256 == consignment.digests.sha256, index.crc64nvme == consignment.digests.crc64nvme
            else { throw SegmentIndex.Flaw(description: "it is not the index of this delivery") }
            return index
        } catch {
            throw unusable("its index: \(error)")
        }
    }

    private func unusable(_ cause: String) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "consignment-unusable", attempt: attempt, cause: cause,
            hint: "look who else writes in s3://\(leg.repository.place.name)/\(leg.repository.prefix)")
    }
}
