import PouchConfiguration
package import PouchJournal
package import PouchKit
package import PouchRouting

/// Makes an admission of a routed drop: who receives it, under which key, and what can never be delivered.
///
/// Everything that is decided here is frozen by the journal: partner, key and date of a delivery never change again.
package struct AdmissionDesk: Sendable {
    private let agent: String
    private let router: Router
    private let partners: [PartnerName: PartnerPlan]

    package init(agent: String, router: Router, partners: [PartnerName: PartnerPlan]) {
        self.agent = agent
        self.router = router
        self.partners = partners
    }

    /// - Returns: no deliveries when no route takes the drop.
    package func deliveries(of facts: DropFacts, identity: FileIdentity, at time: Timestamp) -> [AdmittedDelivery] {
        router.decide(facts).deliveries.map { planned in
            delivery(planned, path: facts.path, folder: facts.folder, identity: identity, at: time)
        }
    }

    private func delivery(
        _ planned: PlannedDelivery,
        path: DropPath,
        folder: String,
        identity: FileIdentity,
        at time: Timestamp
    ) -> AdmittedDelivery {
        let id = DeliveryID.random()
        switch partners[planned.partner]?.key(of: planned) ?? planned.key {
        case .success(let key):
            return AdmittedDelivery(
                id: id,
                partner: planned.partner,
                route: planned.route,
                key: key,
                target: partners[planned.partner]?.destination.traits.target,
                start: start(of: planned, size: identity.size)
            )
        case .failure(let reason):
            let failure = DeliveryFailure(
                .quarantine,
                code: reason.code.rawValue,
                attempt: "name \(path) for \(planned.partner)",
                cause: reason.description,
                hint: "give the route another template (`as:`), or rename the file and drop it again"
            )
            // There is no key; the delivery's own id stands for it, so that the records can name one.
            let stand = DeliveryKey.standIn(for: id)
            let line = ManifestLines(agent: agent, adapter: adapter(of: planned.partner)).neverDelivered(
                NeverDelivered(
                    id: id,
                    partner: planned.partner,
                    route: planned.route,
                    key: stand,
                    folder: folder,
                    path: path,
                    identity: identity
                ),
                failure: failure,
                at: time
            )
            return AdmittedDelivery(
                id: id,
                partner: planned.partner,
                route: planned.route,
                key: stand,
                target: nil,
                start: .quarantined(failure, entry: line)
            )
        }
    }

    /// A file that is too large for the destination waits for a person, alone: the partner's other files go on.
    private func start(of planned: PlannedDelivery, size: Int64) -> AdmittedDelivery.Start {
        guard let traits = partners[planned.partner]?.destination.traits else {
            return .held(code: "partner-gone", reason: "the partner \(planned.partner) is not in the configuration any more")
        }
        guard let largest = traits.largestFile, size > largest else { return .waiting }
        return .held(
            code: "too-large",
            reason: "the file has \(size) bytes, and \(traits.adapter) takes at most \(largest) at once in this version"
        )
    }

    private func adapter(of partner: PartnerName) -> AdapterName {
        partners[partner]?.destination.traits.adapter ?? AdapterName(unchecked: "none")
    }
}

/// What the manifest says of a delivery that ended before it began.
struct NeverDelivered: Sendable {
    let id: DeliveryID
    let partner: PartnerName
    let route: RouteName
    let key: DeliveryKey
    let folder: String
    let path: DropPath
    let identity: FileIdentity
}
