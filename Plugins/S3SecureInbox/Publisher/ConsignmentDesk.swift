import PouchAWS
import PouchCrypto
import PouchHTTP
import PouchKit

/// Publishes one object of a repository, whoever named it. What it goes by are the object's own words and the settings, never
/// what an event says.
struct ConsignmentDesk: Sendable {
    let partners: [PublisherPartner]
    /// Who publishes, for receipts.
    let name: String
    let writesReceipts: Bool
    let clock: any AgentClock
    let report: @Sendable (PublisherNews) -> Void

    /// - Parameter goesOn: Whether an earlier publisher may have died over it: then its upload goes on, where there is one. While it lives the
    ///   upload is left to it.
    func publish(bucket: String, key: String, versionID: String?, goesOn: Bool = false) async -> PublishingVerdict {
        let shown = VisibleText.escaped("s3://\(bucket)/\(key)")
        let attempt = "publish \(shown)"
        let candidates = partners.filter { partner in
            partner.leg.repository.place.name.description == bucket
                && key.utf8.starts(with: partner.leg.repository.prefix.utf8)
        }.sorted { $0.leg.repository.prefix.utf8.count > $1.leg.repository.prefix.utf8.count }
        guard let first = candidates.first else {
            return .never(
                DeliveryFailure(
                    .quarantine, code: "not-ours", attempt: attempt, cause: "no partner here has its repository there",
                    hint: "two publishers of different partners need a queue each, or one of them all partners"))
        }
        let delivery: DeliveryID
        switch RepositoryPlace(key: key, prefix: first.leg.repository.prefix) {
        case .reserved: return .nothing
        case .foreign:
            return .never(
                DeliveryFailure(
                    .quarantine, code: "no-consignment", attempt: attempt,
                    cause: "its key is not <prefix><delivery id>/<name>", hint: "who else writes into the repository?"))
        case .consignment(let id): delivery = id
        }
        do throws(DeliveryFailure) {
            let (found, partner) = try await look(key, versionID, of: delivery, among: candidates, attempt)
            return try await publish(found, for: partner, goesOn: goesOn, attempt)
        } catch {
            switch error.remedy {
            case .retry, .hold: return .later(error)
            case .quarantine, .sourceChanged: return .never(error)
            }
        }
    }

    /// An object of the repository, read and understood.
    private struct Found {
        let object: RepositoryObject
        let consignment: Consignment
    }

    private func look(
        _ key: String,
        _ versionID: String?,
        of delivery: DeliveryID,
        among candidates: [PublisherPartner],
        _ attempt: String
    ) async throws(DeliveryFailure) -> (Found, PublisherPartner) {
        let report = try await head(key, versionID, candidates[0], attempt)
        let consignment: Consignment
        do throws(NotAConsignment) {
            consignment = try Consignment(metadata: report.metadata)
        } catch {
            throw DeliveryFailure(.quarantine, code: error.code, attempt: attempt, cause: error.cause)
        }
        guard let etag = report.etag else {
            throw DeliveryFailure(.retry, code: "no-etag", attempt: attempt, cause: "the answer to HEAD has no ETag")
        }
        guard consignment.delivery == delivery else {
            throw forged(attempt, "it says that it is delivery \(consignment.delivery), and lies where \(delivery) belongs")
        }
        // An index says the size of the file that it stands for.
        guard consignment.form != .object || report.size == nil || report.size == consignment.size else {
            throw forged(attempt, "it says that it has \(consignment.size) bytes, and has \(report.size ?? 0)")
        }
        guard let partner = candidates.first(where: { $0.name == consignment.partner }) else {
            throw forged(attempt, "it is for \(consignment.partner), and lies in the repository of \(candidates[0].name)")
        }
        let object = RepositoryObject(key: key, versionID: report.versionID ?? versionID, etag: etag)
        return (Found(object: object, consignment: consignment), partner)
    }

    private func forged(_ attempt: String, _ cause: String) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "bad-consignment", attempt: attempt, cause: cause, hint: "who else writes into the repository?")
    }

    /// The version that was named; where it is gone, the one that is there now: all versions of a key are the same delivery.
    private func head(
        _ key: String, _ versionID: String?, _ partner: PublisherPartner, _ attempt: String
    ) async throws(DeliveryFailure) -> ObjectReport {
        let leg = partner.leg
        do throws(AWSFailure) {
            return try await leg.s3.headObject(in: leg.repository.place, key: key, versionID: versionID)
        } catch {
            if error.status == 404, versionID != nil { return try await head(key, nil, partner, attempt) }
            if await isGone(key, error, leg) {
                throw DeliveryFailure(
                    .quarantine, code: "source-gone", attempt: attempt, cause: "there is no such object (any more)",
                    hint: "the repository's lifecycle rule must keep objects longer than messages may wait")
            }
            let call = AttemptedCall(
                attempt: attempt, side: .repository, identity: leg.publisher.label, bucket: leg.repository.place, key: key,
                keyARN: leg.repository.key)
            throw Diagnosis.failure(error, of: call)
        }
    }

    /// Whoever may list only below a prefix is answered 403 for what is not there; the list tells.
    private func isGone(_ key: String, _ reason: AWSFailure, _ leg: InboxLeg) async -> Bool {
        guard reason.status == 403 else { return reason.status == 404 }
        guard let page = try? await leg.s3.listObjects(in: leg.repository.place, prefix: key) else { return false }
        return page.entries.first?.key != key
    }

    private func publish(
        _ found: Found, for partner: PublisherPartner, goesOn: Bool, _ attempt: String
    ) async throws(DeliveryFailure) -> PublishingVerdict {
        // Where receipts may be left, notes may be: they lie beside them.
        let notes =
            writesReceipts && found.consignment.takesManyRequests
            ? NotedPublication(of: found.consignment, on: partner.leg) : nil
        let publication = Publication(
            consignment: found.consignment, shape: found.consignment.form.shape(at: found.object), leg: partner.leg,
            memory: notes ?? UnrecordedPublication())
        switch try await publication.publish(announced: goesOn ? notes?.recall() : nil) {
        case .sourceGone:
            throw DeliveryFailure(
                .retry, code: "source-gone", attempt: attempt,
                cause: "the object was there a moment ago, and is gone or another now")
        case .published(let published):
            if writesReceipts { try await leaveReceipt(found, published, partner, attempt) }
            report(
                .published(
                    found.consignment.delivery, partner: partner.name, location: published.location,
                    confirmation: published.confirmation))
            return .done
        }
    }

    /// The first one stands: whoever published again by mistake, or found it published, leaves it alone.
    private func leaveReceipt(
        _ found: Found, _ published: Publication.Published, _ partner: PublisherPartner, _ attempt: String
    ) async throws(DeliveryFailure) {
        let (leg, repository) = (partner.leg, partner.leg.repository)
        let receipt = DeliveryReceiptObject(
            of: found.consignment, published,
            source: .init(
                bucket: repository.place.name.description, key: found.object.key, versionId: found.object.versionID,
                etag: found.object.etag),
            publisher: name, at: clock.now)
        var put = PutObject(
            bucket: repository.place, key: DeliveryReceiptObject.key(of: found.consignment.delivery, below: repository.prefix),
            receipt: receipt.bytes)
        put.attributes.isCreateOnly = true
        do throws(AWSFailure) {
            _ = try await leg.s3.putObject(put)
        } catch {
            if error.code == "PreconditionFailed" { return }
            let call = AttemptedCall(
                attempt: "leave a receipt for \(VisibleText.escaped(found.consignment.key.name))", side: .repository,
                identity: leg.publisher.label, bucket: repository.place, key: put.key)
            throw Diagnosis.failure(error, of: call)
        }
    }
}

extension PutObject {
    /// Under whatever encryption the bucket gives by itself: a receipt is ours, and no secret of the partner's.
    init(bucket: BucketPlace, key: String, receipt bytes: [UInt8]) {
        self.init(
            bucket: bucket, key: key, body: .bytes(bytes),
            digests: PartDigests(crc64nvme: CRC64NVMEHasher.checksum(of: bytes)),
            attributes: ObjectAttributes(key: nil, contentType: "application/json"))
    }
}
