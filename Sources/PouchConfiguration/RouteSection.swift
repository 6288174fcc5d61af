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
        to = try container.decode(OneOrMore<PartnerName>.self, forKey: .to).values
        let template = try container.decodeIfPresent(Located<String>.self, forKey: .as)
        self.as = template ?? Located("{path}", at: here.node?.mark ?? .start)
        stop = try container.decodeIfPresent(Bool.self, forKey: .stop) ?? false
    }

    private struct Conditions: Decodable {
        let folder: Located<String>?
        let path: Located<String>?
        let size: Located<String>?
    }
}
