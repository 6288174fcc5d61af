import PouchAWS
import PouchConfiguration
import PouchKit
import S3SecureInbox

/// What `pouch publish` works by, checked and wired.
struct PublisherPlan: Sendable {
    let queue: SQS
    let partners: [PublisherPartner]
    let atOnce: Int
    let visibility: Duration
    let reconcileEvery: Duration?
    let writesReceipts: Bool
    let drainLimit: Duration

    // For people.
    var queueText: String { queue.queue.description }
    var partnersText: String { partners.map(\.name.description).joined(separator: ", ") }
}

/// Wires a publisher's service: the queue under its identity, each partner under the identity of the partner's inbox.
struct PublisherWiring {
    private static let adapter = "s3-secure-inbox"

    let parts: SoundParts

    private var identities: IdentityWiring { IdentityWiring(parts) }

    func plan(_ settings: PublishSettings) -> (plan: PublisherPlan?, problems: [ConfigurationProblem]) {
        var problems: [ConfigurationProblem] = []
        var partners: [PublisherPartner] = []
        for settings in chosen(settings, &problems) {
            do throws(ConfigurationProblems) {
                let (partner, found) = try self.partner(settings)
                problems += found
                if let partner { partners.append(partner) }
            } catch {
                problems += error.problems
            }
        }
        let queue = queue(settings, &problems)
        guard let queue, !problems.contains(where: { $0.severity == .error }) else { return (nil, problems) }
        let plan = PublisherPlan(
            queue: queue, partners: partners, atOnce: settings.atOnce, visibility: settings.visibility.duration,
            reconcileEvery: settings.reconcile?.duration, writesReceipts: settings.receipts,
            drainLimit: settings.drain.duration)
        return (plan, problems)
    }

    /// Those that were named, or all that can be published for. That a name is nobody's was said already.
    private func chosen(_ settings: PublishSettings, _ problems: inout [ConfigurationProblem]) -> [PartnerSettings] {
        guard let named = settings.partners else {
            let all = parts.partners.filter { $0.adapter.value.description == Self.adapter }
            if all.isEmpty, !parts.partners.isEmpty {
                add(settings.queue.mark, "no partner is delivered to with \(Self.adapter)", &problems)
            }
            return all
        }
        return named.compactMap { name in
            guard let partner = parts.partners.first(where: { $0.name.value == name.value }) else { return nil }
            guard partner.adapter.value.description == Self.adapter else {
                add(name.mark, "'\(name.value)' is delivered to with \(partner.adapter.value), which needs no publisher", &problems)
                return nil
            }
            return partner
        }
    }

    private func partner(
        _ partner: PartnerSettings
    ) throws(ConfigurationProblems) -> (PublisherPartner?, [ConfigurationProblem]) {
        let settings = try parts.decoder.decode(S3SecureInboxSettings.self, from: partner.settings)
        if !parts.isPublisherOnly, (settings.publish ?? .here) == .here {
            let problem = SettingsProblem(
                at: [], "'\(partner.name.value)' is published by this agent and by the publisher of this file",
                hint: "set publish: elsewhere, or leave it out of publish.partners")
            return (nil, [parts.decoder.locate(problem, in: partner.settings)])
        }
        let wiring = SecureInboxWiring(identities: identities)
        let (plan, problems) = settings.checkedForPublishing(knowing: identities.roles, endpoint: identities.endpoint(of: .s3))
        let objections = plan.map { wiring.objections(to: $0) } ?? problems
        guard let plan, let inbox = plan.inbox, objections.isEmpty else {
            return (nil, objections.map { parts.decoder.locate($0, in: partner.settings) })
        }
        let link: AWSLink
        do throws(SettingsProblem) {
            link = try identities.link()
        } catch {
            return (nil, [parts.decoder.locate(error, in: partner.settings)])
        }
        guard let party = wiring.party(inbox.identity, inbox.place.region, plan.publishPolicy, link) else { return (nil, []) }
        return (PublisherPartner(name: partner.name.value, plan: plan, publisher: party, link: link), [])
    }

    private func queue(_ settings: PublishSettings, _ problems: inout [ConfigurationProblem]) -> SQS? {
        let url: QueueURL
        do throws(NameError) {
            url = try QueueURL(settings.queue.value)
        } catch {
            add(settings.queue.mark, "queue: expected \(error.expectation), found '\(error.text)'", &problems)
            return nil
        }
        guard let region = region(of: url, settings, &problems) else { return nil }
        let custom = identities.endpoint(of: .sqs) ?? (url.region == nil ? url.endpoint : nil)
        if let text = identities.variant.objection(to: .sqs, in: region, custom: custom) {
            add(settings.queue.mark, text, hint: "look at dual-stack: and fips: under aws:", &problems)
            return nil
        }
        let known = identities.roles
        guard known.keys.contains(settings.identity.value) else {
            let names = known.keys.sorted().map(\.description).joined(separator: ", ")
            add(
                settings.identity.mark, "there is no identity '\(settings.identity.value)'",
                hint: names.isEmpty ? "define it under identities:" : "identities: defines \(names)", &problems)
            return nil
        }
        let link: AWSLink
        do throws(SettingsProblem) {
            link = try identities.link()
        } catch {
            add(settings.queue.mark, error.text, hint: error.hint, &problems)
            return nil
        }
        // What a session is narrowed to is a partner's, and the queue is nobody's.
        guard let source = identities.source(of: settings.identity.value, region: region, policy: nil, link: link) else {
            return nil
        }
        return SQS(
            queue: url, region: region, endpoint: identities.endpoint(of: .sqs), credentials: source.credentials, link: link)
    }

    private func region(
        of url: QueueURL, _ settings: PublishSettings, _ problems: inout [ConfigurationProblem]
    ) -> Region? {
        guard let written = settings.region ?? (url.region == nil ? parts.aws.region : nil) else {
            if let region = url.region { return region }
            add(
                settings.queue.mark, "queue: '\(url.endpoint.authority)' does not tell the region",
                hint: "add region: eu-west-1, or whichever it is", &problems)
            return nil
        }
        do throws(NameError) {
            return try Region(written.value)
        } catch {
            add(written.mark, "region: expected \(error.expectation), found '\(error.text)'", &problems)
            return nil
        }
    }

    private func add(_ mark: Mark, _ text: String, hint: String? = nil, _ problems: inout [ConfigurationProblem]) {
        problems.append(parts.decoder.problem(.error, at: mark, text, hint: hint))
    }
}
