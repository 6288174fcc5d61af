import PouchKit

extension AgentSettings: Decodable {
    private enum Key: String, CodingKey { case name, state, status }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        state = try container.decode(Located<SettingsPath>.self, forKey: .state)
        status = try container.decodeIfPresent(Located<ListenAddress>.self, forKey: .status)
        if let name = try container.decodeIfPresent(AgentName.self, forKey: .name) {
            self.name = name.value
            return
        }
        name = decoder.userInfo[.hostName] as? String ?? ""
        guard AgentName.isName(name) else {
            throw SettingsProblem(
                at: [], "the name of this host, '\(Quoted.shortened(name))', is none for an agent",
                hint: "give it one: name: edge-01")
        }
    }

    private struct AgentName: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws {
            guard isName(text) else { throw NameError(text: text, expectation: "1 to 63 letters, digits, '.', '-' or '_'") }
        }

        static func isName(_ text: String) -> Bool {
            (1...63).contains(text.utf8.count) && text.hasOnlyLettersAndDigits(and: ".-_")
        }
    }
}

extension NetworkSettings: Decodable {
    private enum Key: String, CodingKey {
        case proxy
        case caFile = "ca-file"
    }

    static let none = NetworkSettings(proxy: .none, caFile: nil)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        proxy = try container.decodeIfPresent(Proxy.self, forKey: .proxy) ?? .none
        caFile = try container.decodeIfPresent(Located<SettingsPath>.self, forKey: .caFile)
    }
}

extension NetworkSettings.Proxy: Decodable {
    private enum Key: String, CodingKey { case url, credentials }

    package init(from decoder: any Decoder) throws {
        guard let node = try decoder.overNode().node else {
            self = .none
            return
        }
        guard let scalar = node.scalar else {
            let container = try decoder.container(keyedBy: Key.self)
            self = .through(
                try container.decode(Located<HTTPAddress>.self, forKey: .url),
                credentials: try container.decodeIfPresent(Located<SettingsPath>.self, forKey: .credentials))
            return
        }
        guard scalar.text != "none" else {
            self = .none
            return
        }
        guard scalar.text.contains("://") else { throw node.isNot("none, an address or { url: …, credentials: PATH }") }
        self = .through(Located(try HTTPAddress(scalar.text), at: node.mark), credentials: nil)
    }
}

extension AlertSettings: Decodable {
    private enum Key: String, CodingKey { case command }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        command = try container.decode(Located<ProgramLine>.self, forKey: .command).map(\.words)
    }
}

extension AWSSettings: Decodable {
    private enum Key: String, CodingKey {
        case region, endpoint, endpoints, fips
        case caFile = "ca-file"
        case dualStack = "dual-stack"
    }

    private enum ServiceKey: String, CodingKey, CaseIterable { case s3, sts, sqs, kms, rolesanywhere }

    static let none = AWSSettings(
        region: nil, endpoint: nil, endpoints: [:], caFile: nil, isDualStack: false, isFIPS: false)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let region = try container.decodeIfPresent(Located<AWSRegion>.self, forKey: .region)
        self.region = region?.map(\.value)
        endpoint = try container.decodeIfPresent(Located<HTTPAddress>.self, forKey: .endpoint)
        caFile = try container.decodeIfPresent(Located<SettingsPath>.self, forKey: .caFile)
        endpoints = try container.decodeIfPresent(Endpoints.self, forKey: .endpoints)?.addresses ?? [:]
        isDualStack = try container.decodeIfPresent(Bool.self, forKey: .dualStack) ?? false
        isFIPS = try container.decodeIfPresent(Bool.self, forKey: .fips) ?? false
        guard endpoint != nil || !endpoints.isEmpty else { return }
        for (key, isOn) in [(Key.dualStack, isDualStack), (.fips, isFIPS)] where isOn {
            try decoder.overNode().note(
                atKey: key.rawValue, "is a choice among AWS's own hosts, and other endpoints are named",
                hint: "leave it out, or the endpoints")
        }
    }

    private struct Endpoints: Decodable {
        let addresses: [Service: Located<HTTPAddress>]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: ServiceKey.self)
            addresses = try ServiceKey.allCases.reduce(into: [:]) { addresses, key in
                guard let service = Service(rawValue: key.rawValue) else { return }
                addresses[service] = try container.decodeIfPresent(Located<HTTPAddress>.self, forKey: key)
            }
        }
    }

    private struct AWSRegion: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws {
            guard text.contains("-"), text.lowercased() == text, text.hasOnlyLettersAndDigits(and: "-") else {
                throw SettingsProblem(at: [], "expected a region such as eu-west-1, found '\(Quoted.shortened(text))'")
            }
        }
    }
}
