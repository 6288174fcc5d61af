import PouchKit

/// What `agent.yaml` says while it is not yet known whether all of it is right: elements with a problem are left out.
struct Draft: Decodable {
    let agent: AgentSettings?
    let network: NetworkSettings
    let alerts: AlertSettings?
    let aws: AWSSettings
    let identities: [(name: Located<IdentityName>, settings: Located<IdentitySettings>)]
    let partners: [PartnerSettings]
    let folders: [FolderSettings]
    let routes: [RouteSettings]
    let unmatched: UnmatchedPolicy
    let publish: PublishSettings?

    private enum Key: String, CodingKey {
        case agent, network, alerts, aws, identities, partners, folders, routes, unmatched, publish
    }

    init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        let container = try decoder.container(keyedBy: Key.self)
        func sound<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
            let countBefore = here.record.problemCount
            let value = try container.decodeIfPresent(type, forKey: key)
            return here.record.problemCount == countBefore ? value : nil
        }
        agent = try sound(AgentSettings.self, .agent)
        if !container.contains(.agent) { here.noteMissing(Key.agent.rawValue) }
        network = try sound(NetworkSettings.self, .network) ?? .none
        alerts = try sound(AlertSettings.self, .alerts)
        aws = try sound(AWSSettings.self, .aws) ?? .none
        identities =
            try container.decodeIfPresent(SoundNames<IdentityName, IdentitySettings>.self, forKey: .identities)?.entries ?? []
        partners = try container.decode(SoundNames<PartnerName, PartnerBody>.self, forKey: .partners).entries.map { entry in
            PartnerSettings(
                name: entry.name, adapter: entry.settings.value.delivery.adapter, settings: entry.settings.value.delivery.settings,
                limits: entry.settings.value.limits, seal: entry.settings.value.seal)
        }
        publish = try sound(PublishSettings.self, .publish)
        // A host that only publishes takes no files.
        let isPublisherOnly = container.contains(.publish) && !container.contains(.folders) && !container.contains(.routes)
        folders =
            isPublisherOnly ? [] : try container.decode(SoundList<FolderSettings>.self, forKey: .folders).elements.map(\.value)
        routes = isPublisherOnly ? [] : try container.decode(SoundList<RouteSettings>.self, forKey: .routes).elements.map(\.value)
        unmatched = try container.decodeIfPresent(UnmatchedPolicy.self, forKey: .unmatched) ?? .hold
    }
}
