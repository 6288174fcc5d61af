import PouchAWS
import PouchKit

/// Publishes one object of a repository, whoever named it. What it goes by are the object's own words and the settings, never
/// what an event says.
struct ConsignmentDesk: Sendable {
    let partners: [PublisherPartner]
    /// Who publishes, for receipts.
    let name: String
    let writesReceipts: Bool
    let clock: any AgentClock
    /// For so long the note of an upload keeps others from it; it is renewed while the upload grows.
    let visibility: Duration
    let lengthy: LengthyCopies
    let report: @Sendable (PublisherNews) -> Void
    let receipts = DeliveryReceipts()

    /// What made us look at an object.
    enum Occasion: Sendable {
        /// A list: what another publisher is at is left to it.
        case list
        /// A message, which is ours while we work on it.
        ///
        /// - Parameters:
        ///   - isRepeated: Who received it before may have died over it.
        ///   - onLengthy: Called before what may take hours begins.
        case message(isRepeated: Bool, onLengthy: @Sendable () -> Void)
    }

    func publish(bucket: String, key: String, versionID: String?, on occasion: Occasion) async -> PublishingVerdict {
        let object = Self.object(bucket, key)
        let attempt = "publish \(VisibleText.escaped(object))"
        let candidates = candidates(bucket, key)
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
            if let verdict = try await before(delivery, candidates, object) { return verdict }
            let (found, partner) = try await look(key, versionID, of: delivery, among: candidates, attempt)
            guard found.consignment.publish == .elsewhere else { return .nothing }
            return try await publish(found, for: partner, object, on: occasion)
        } catch {
            switch error.remedy {
            case .retry, .hold: return .later(error)
            case .quarantine, .sourceChanged: return .never(error)
            }
        }
    }

    /// How an object is named in logs and counts, whoever named it.
    static func object(_ bucket: String, _ key: String) -> String { "s3://\(bucket)/\(key)" }

    /// Those with the longest prefix that the key has: what lies there is nobody else's.
    private func candidates(_ bucket: String, _ key: String) -> [PublisherPartner] {
        let matching = partners.filter { partner in
            partner.leg.repository.place.name.description == bucket
                && key.utf8.starts(with: partner.leg.repository.prefix.utf8)
        }
        let longest = matching.map(\.leg.repository.prefix.utf8.count).max()
        return matching.filter { $0.leg.repository.prefix.utf8.count == longest }
    }

    /// What was published before is not published again, though the partner may have taken it out of the inbox long ago.
    private func before(
        _ delivery: DeliveryID, _ candidates: [PublisherPartner], _ object: String
    ) async throws(DeliveryFailure) -> PublishingVerdict? {
        guard writesReceipts, let first = candidates.first else { return nil }
        if let receipt = receipts.unwritten(of: delivery),
            let partner = candidates.first(where: { $0.name == receipt.partner })
        {
            try await receipts.leave(receipt, for: partner)
            report(
                .published(
                    delivery, partner: partner.name, object: object, location: receipt.location,
                    confirmation: receipt.confirmation))
            return .done
        }
        return try await found(delivery, first, object) ? .doneBefore : nil
    }

    private func found(
        _ delivery: DeliveryID, _ partner: PublisherPartner, _ object: String
    ) async throws(DeliveryFailure) -> Bool {
        guard writesReceipts, try await receipts.isThere(of: delivery, for: partner) else { return false }
        report(.foundReceipt(delivery, object: object))
        return true
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
        _ found: Found, for partner: PublisherPartner, _ object: String, on occasion: Occasion
    ) async throws(DeliveryFailure) -> PublishingVerdict {
        let consignment = found.consignment
        guard consignment.takesManyRequests else {
            return try await copy(found, for: partner, object, memory: UnrecordedPublication(), announced: nil)
        }
        if case .message(_, let onLengthy) = occasion { onLengthy() }
        let turn = try await lengthy.turn(of: consignment.delivery, for: partner.name)
        defer { withExtendedLifetime(turn) {} }
        // Where receipts may be left, notes may be: they lie beside them.
        guard writesReceipts else {
            return try await copy(found, for: partner, object, memory: UnrecordedPublication(), announced: nil)
        }
        let notes = NotedPublication(of: consignment, on: partner.leg, run: lengthy.run, lease: visibility)
        var takesOver = false
        if case .message(true, _) = occasion { takesOver = true }
        while true {
            // Another may have finished it while this one waited.
            if try await self.found(consignment.delivery, partner, object) { return .doneBefore }
            switch try await notes.claim(takingOver: takesOver) {
            case .ours(let announced):
                return try await notes.kept { () async throws(DeliveryFailure) in
                    try await copy(found, for: partner, object, memory: notes, announced: announced)
                }
            case .anothers(let remaining):
                guard case .message = occasion else { throw underWay(object, remaining) }
                do { try await clock.sleep(for: min(remaining, visibility / 24)) } catch { throw underWay(object, remaining) }
            }
        }
    }

    private func underWay(_ object: String, _ remaining: Duration) -> DeliveryFailure {
        DeliveryFailure(
            .retry(after: remaining), code: "under-way", attempt: "publish \(VisibleText.escaped(object))",
            cause: "another publisher is putting it together in the inbox")
    }

    private func copy(
        _ found: Found,
        for partner: PublisherPartner,
        _ object: String,
        memory: any PublicationMemory,
        announced: Progress.Publishing?
    ) async throws(DeliveryFailure) -> PublishingVerdict {
        let publication = Publication(
            consignment: found.consignment, shape: found.consignment.form.shape(at: found.object), leg: partner.leg,
            memory: memory)
        switch try await publication.publish(announced: announced) {
        case .sourceGone:
            throw DeliveryFailure(
                .retry, code: "source-gone", attempt: "publish \(VisibleText.escaped(object))",
                cause: "the object was there a moment ago, and is gone or another now")
        case .published(let published):
            if writesReceipts {
                let source = DeliveryReceiptObject.Source(
                    bucket: partner.leg.repository.place.name.description, key: found.object.key,
                    versionId: found.object.versionID, etag: found.object.etag)
                try await receipts.leave(
                    DeliveryReceiptObject(
                        of: found.consignment, published, source: source, publisher: name, at: clock.now), for: partner)
            }
            report(
                .published(
                    found.consignment.delivery, partner: partner.name, object: object, location: published.location,
                    confirmation: published.confirmation))
            return .done
        }
    }
}
