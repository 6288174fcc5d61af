import PouchKit

/// One of `partners:`, without its name.
struct PartnerBody: Decodable {
    let delivery: PartnerDelivery
    let limits: PartnerSettings.Limits
    let seal: SealSettings?

    private enum Key: String, CodingKey { case deliver, limits, seal }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        delivery = try container.decode(PartnerDelivery.self, forKey: .deliver)
        limits = try container.decodeIfPresent(PartnerSettings.Limits.self, forKey: .limits) ?? .standard
        seal = try container.decodeIfPresent(SealSettings.self, forKey: .seal)
    }
}

extension SealSettings: Decodable {
    private enum Key: String, CodingKey { case to, suffix }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        to = try container.decode(OneOrMore<SettingsPath>.self, forKey: .to).values
        suffix = try container.decodeIfPresent(Suffix.self, forKey: .suffix)?.value
    }

    private struct Suffix: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws {
            guard text.hasPrefix("."), (2...32).contains(text.utf8.count), text.hasOnlyLettersAndDigits(and: ".-_") else {
                throw SettingsProblem(
                    at: [], "'\(Quoted.shortened(text))' is no suffix of a name",
                    hint: "a dot and then letters or digits, as in .cms")
            }
        }
    }
}

/// `deliver: { with: ADAPTER, … }`: only the adapter knows the rest.
struct PartnerDelivery: Decodable {
    let adapter: Located<AdapterName>
    let settings: ConfigurationNode

    init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        guard let node = here.node else {
            adapter = Located(AdapterName(unchecked: "unreadable"), at: .start)
            settings = ConfigurationNode(.mapping(.init([])), at: .start)
            return
        }
        guard let mapping = node.mapping else { throw node.isNot("a mapping", hint: "write { with: ADAPTER, … }") }
        let with = mapping["with"]?.value
        if with == nil { here.record.noteMissing("with", in: here.path, at: node.mark) }
        adapter = try here.record.decode(Located<AdapterName>.self, from: with, at: here.path + ["with"])
        settings = ConfigurationNode(.mapping(mapping.without("with")), at: node.mark)
    }
}

extension PartnerSettings.Limits: Decodable {
    private enum Key: String, CodingKey {
        case bandwidth
        case atOnce = "at-once"
    }

    static let standard = PartnerSettings.Limits(atOnce: 8, bandwidth: nil)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        atOnce = try container.decodeIfPresent(AtOnce.self, forKey: .atOnce)?.value ?? Self.standard.atOnce
        bandwidth = try container.decodeIfPresent(ByteRate.self, forKey: .bandwidth)
    }

    private struct AtOnce: CheckedSetting {
        let value: Int

        init(unchecked value: Int) { self.value = value }

        static func check(_ number: Int) throws {
            guard (1...256).contains(number) else { throw SettingsProblem(at: [], "expected 1 to 256, found '\(number)'") }
        }
    }
}
