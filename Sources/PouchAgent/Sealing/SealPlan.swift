package import PouchKit
package import PouchRouting

/// To whom a partner's files are sealed, and what their names end in.
package struct SealPlan: Sendable {
    package let recipients: SealRecipients
    /// What is added to a key that does not end in it by itself.
    package let suffix: String?

    package init(recipients: SealRecipients, suffix: String? = nil) {
        self.recipients = recipients
        self.suffix = suffix
    }

    /// The key of a sealed file.
    ///
    /// - Throws: `NameError` when the suffix makes the key too long.
    package func key(_ key: DeliveryKey) throws(NameError) -> DeliveryKey {
        guard let suffix, !key.description.hasSuffix(suffix) else { return key }
        return try DeliveryKey(key.description + suffix)
    }
}

extension PartnerPlan {
    /// The key under which a planned delivery arrives: what the route says, and the suffix of what is sealed.
    package func key(of planned: PlannedDelivery) -> Result<DeliveryKey, KeyFailure> {
        guard let seal, case .success(let key) = planned.key else { return planned.key }
        do throws(NameError) { return .success(try seal.key(key)) } catch {
            return .failure(KeyFailure(code: .tooLong, template: "…\(seal.suffix ?? "")", rule: error.expectation))
        }
    }
}
