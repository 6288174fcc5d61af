package import PouchAWS
package import PouchKit

/// A partner whose consignments a publisher's service copies.
package struct PublisherPartner: Sendable {
    package let name: PartnerName
    let leg: InboxLeg

    /// - Parameters:
    ///   - plan: Has an inbox; `nil` is answered for one that has none.
    ///   - link: Of the partner's own: its transport carries nothing of other partners.
    package init?(name: PartnerName, plan: InboxPlan, publisher: S3SecureInbox.Party, link: AWSLink) {
        guard let inbox = plan.inbox else { return nil }
        self.name = name
        leg = InboxLeg(
            repository: plan.repository, inbox: inbox, whenTaken: plan.whenTaken, publisher: publisher,
            s3: S3(credentials: publisher.credentials, link: link))
    }
}

/// What a publisher tells of its work.
package enum PublisherNews: Sendable {
    case started(queue: String?, partners: [PartnerName])
    /// It works with a queue that gives up too late or too soon: never, or before a message can outlast any trouble.
    case unsuitable(Redrive)
    /// It does not start: what it publishes would be published again.
    case receiptsRefused(PartnerName, DeliveryFailure)
    /// It starts, and does not know whether it may leave receipts.
    case receiptsUncertain(PartnerName, DeliveryFailure)
    case published(DeliveryID, partner: PartnerName, object: String, location: String, confirmation: Receipt.Confirmation)
    /// It was published at another time: nothing was done.
    case foundReceipt(DeliveryID, object: String)
    /// It is tried again.
    case postponed(DeliveryFailure, object: String, in: Duration)
    /// It is left to the dead letters, or to a person.
    case refused(DeliveryFailure, object: String, reception: Int?)
    case throttled(atOnce: Int)
    case queueTrouble(AWSFailure, pause: Duration?)
    case reconciled(PartnerName, Reconciliation.Figures)
    case reconciliationFailed(PartnerName, DeliveryFailure)
    case draining
}
