import PouchAWS
import PouchKit
package import PouchPartnerKit

/// What policies need to know of a plan.
extension InboxPlan {
    package var choices: PatternFacts.Choices {
        var choices = PatternFacts.Choices()
        choices.handsOverOwnership = inbox?.acl != nil
        choices.replaces = whenTaken == .replace
        choices.storesInParts = repository.upload.method == .multipart
        choices.joinsSegments = repository.upload.joinsSmallerFiles
        // Asking and joining together are a right to read.
        choices.asksInbox = !choices.joinsSegments
        choices.readsReceipts = receiptReader == repository.identity
        return choices
    }
}

extension PatternFacts.Place {
    package init(_ repository: InboxPlan.Repository) {
        self.init(repository.place, prefix: repository.prefix, key: repository.key)
    }

    package init(_ inbox: InboxPlan.Inbox) { self.init(inbox.place, prefix: inbox.prefix, key: inbox.key) }

    private init(_ place: BucketPlace, prefix: String, key: KeyARN) {
        guard let owner = place.owner else { preconditionFailure("the check of the settings demands an owner") }
        self.init(bucket: place.name, region: place.region, owner: owner, prefix: prefix, key: key)
    }
}
