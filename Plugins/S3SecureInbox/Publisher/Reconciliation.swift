import PouchAWS
import PouchKit

/// Compares what lies in a repository with the receipts beside it, and publishes what has none: the net below the events, which
/// may get lost.
///
/// Both lists come in the order of the delivery ids, so that nothing is held in memory.
package struct Reconciliation: Sendable {
    package struct Figures: Hashable, Sendable {
        /// Consignments that were listed.
        package var seen = 0
        /// Those with a receipt.
        package var receipted = 0
        /// Too young: their events are still under way.
        package var young = 0
        /// Those that the agents which stored them publish by themselves: they never get a receipt.
        package var byAgents = 0
        package var published = 0
        package var postponed = 0
        package var refused = 0

        package init() {}
    }

    let desk: ConsignmentDesk
    let partner: PublisherPartner
    /// Nothing younger is looked at.
    let leastAge: Duration
    let atOnce: Int
    let stop: StopRequest

    private var leg: InboxLeg { partner.leg }

    func run() async throws(DeliveryFailure) -> Figures {
        var figures = Figures()
        let result = await withTaskGroup(of: (String, PublishingVerdict).self) { group -> Result<Void, DeliveryFailure> in
            let result = await lookThrough(&group, &figures)
            for await (object, verdict) in group { count(verdict, object, &figures) }
            return result
        }
        try result.get()
        return figures
    }

    private typealias Verdicts = TaskGroup<(String, PublishingVerdict)>

    private func lookThrough(_ group: inout Verdicts, _ figures: inout Figures) async -> Result<Void, DeliveryFailure> {
        do throws(DeliveryFailure) {
            let prefix = leg.repository.prefix
            // '/' comes right after '.', before all digits: what is ours and reserved is left out.
            var consignments = ObjectListing(leg: leg, prefix: prefix, startAfter: prefix + "/")
            var receipts = ObjectListing(leg: leg, prefix: DeliveryReceiptObject.folder(below: prefix), startAfter: nil)
            var receipted = try await nextReceipt(&receipts)
            var underWay = 0
            while let entry = try await consignments.next(), !stop.isMade, !Task.isCancelled {
                guard case .consignment(let delivery) = RepositoryPlace(key: entry.key, prefix: prefix) else { continue }
                figures.seen += 1
                while let known = receipted, known < delivery { receipted = try await nextReceipt(&receipts) }
                if receipted == delivery {
                    figures.receipted += 1
                    continue
                }
                guard entry.modified.duration(to: desk.clock.now) >= leastAge else {
                    figures.young += 1
                    continue
                }
                if underWay >= atOnce, let (object, verdict) = await group.next() {
                    count(verdict, object, &figures)
                    underWay -= 1
                }
                publish(entry.key, &group)
                underWay += 1
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func nextReceipt(_ receipts: inout ObjectListing) async throws(DeliveryFailure) -> DeliveryID? {
        while let entry = try await receipts.next() {
            if let delivery = DeliveryReceiptObject.delivery(ofKey: entry.key, below: leg.repository.prefix) { return delivery }
        }
        return nil
    }

    private func publish(_ key: String, _ group: inout Verdicts) {
        let bucket = leg.repository.place.name.description
        group.addTask { [desk] in
            (ConsignmentDesk.object(bucket, key), await desk.publish(bucket: bucket, key: key, versionID: nil, on: .list))
        }
    }

    private func count(_ verdict: PublishingVerdict, _ object: String, _ figures: inout Figures) {
        switch verdict {
        case .done: figures.published += 1
        // Another publisher was quicker.
        case .doneBefore: figures.receipted += 1
        case .nothing: figures.byAgents += 1
        case .later(let failure):
            figures.postponed += 1
            desk.report(.postponed(failure, object: object, in: .zero))
        case .never(let failure):
            figures.refused += 1
            desk.report(.refused(failure, object: object, reception: nil))
        }
    }
}

/// The keys below a prefix, one after the other, page by page.
struct ObjectListing {
    let leg: InboxLeg
    let prefix: String
    let startAfter: String?

    private var page: [ObjectPage.Entry] = []
    private var position = 0
    private var continuation: String?
    private var isAtEnd = false

    init(leg: InboxLeg, prefix: String, startAfter: String?) {
        self.leg = leg
        self.prefix = prefix
        self.startAfter = startAfter
    }

    mutating func next() async throws(DeliveryFailure) -> ObjectPage.Entry? {
        while position == page.count {
            guard !isAtEnd else { return nil }
            let next: ObjectPage
            do throws(AWSFailure) {
                next = try await leg.s3.listObjects(
                    in: leg.repository.place, prefix: prefix, startAfter: continuation == nil ? startAfter : nil,
                    continuation: continuation)
            } catch {
                let call = AttemptedCall(
                    attempt: "list s3://\(leg.repository.place.name)/\(prefix)", side: .repository,
                    identity: leg.publisher.label, bucket: leg.repository.place, key: prefix)
                throw Diagnosis.failure(error, of: call)
            }
            (page, position, continuation) = (next.entries, 0, next.continuation)
            isAtEnd = next.continuation == nil
        }
        defer { position += 1 }
        return page[position]
    }
}
