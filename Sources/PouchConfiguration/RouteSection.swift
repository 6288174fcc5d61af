import PouchKit

extension RouteSettings: Decodable {
    private enum Key: String, CodingKey { case name, when, to, `as`, stop }

    package init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        let container = try decoder.container(keyedBy: Key.self)
        name = try container.decode(Located<RouteName>.self, forKey: .name)
        let conditions = try container.decodeIfPresent(Conditions.self, forKey: .when)
        folder = conditions?.folder
        path = conditions?.path
        size = conditions?.size
        to = try container.decode(Partners.self, forKey: .to).names
        let template = try container.decodeIfPresent(Located<String>.self, forKey: .as)
        self.as = template ?? Located("{path}", at: here.node?.mark ?? .start)
        stop = try container.decodeIfPresent(Bool.self, forKey: .stop) ?? false
    }

    private struct Conditions: Decodable {
        let folder: Located<String>?
        let path: Located<String>?
        let size: Located<String>?
    }

    /// One name, or a list of them.
    private struct Partners: Decodable {
        let names: [Located<PartnerName>]

        init(from decoder: any Decoder) throws {
            let here = try decoder.overNode()
            guard here.node?.scalar == nil else {
                names = [try here.record.decode(Located<PartnerName>.self, from: here.node, at: here.path)]
                return
            }
            names = try here.record.decode([Located<PartnerName>].self, from: here.node, at: here.path)
            guard here.node == nil || here.node?.sequence?.isEmpty == false else {
                throw SettingsProblem(at: [], "expected at least one partner, found none")
            }
            var known: Set<PartnerName> = []
            for (index, name) in names.enumerated() where !known.insert(name.value).inserted {
                here.note(SettingsProblem(at: [String(index)], "'\(name.value)' is in the list already"))
            }
        }
    }
}
