import PouchKit

// What the types of agent.yaml need beyond the standard `Decoder`: marks, and lists that do without their broken elements.

extension CodingUserInfoKey {
    /// The name of this machine, for an agent that has no other.
    static let hostName = CodingUserInfoKey(rawValue: "pouch.host-name")!
}

extension Decoder {
    /// - Throws: `SettingsProblem` for any decoder but ours.
    func overNode() throws(SettingsProblem) -> NodeDecoder {
        guard let decoder = self as? NodeDecoder else {
            throw SettingsProblem(at: [], "these settings can only be read from a configuration file")
        }
        return decoder
    }
}

extension NodeDecoder {
    /// Notes a problem and goes on.
    func note(_ problem: SettingsProblem) {
        if let node { record.note(problem, at: path, node) }
    }

    /// Notes what is wrong with a key, whatever its value is.
    func note(atKey key: String, _ text: String, hint: String?) {
        guard let entry = node?.mapping?[key] else { return }
        record.note(LocatedProblem(at: entry.keyMark, "'\(key)' \(text)", hint: hint))
    }

    func noteMissing(_ key: String) {
        if let node { record.noteMissing(key, in: path, at: node.mark) }
    }
}

extension Located: Decodable where Value: Decodable {
    package init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        self.init(
            try here.record.decode(Value.self, from: here.node, at: here.path),
            at: here.node?.mark ?? .start)
    }
}

/// A list without the elements that have a problem.
struct SoundList<Element: Decodable>: Decodable {
    let elements: [Located<Element>]

    init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        guard let node = here.node else {
            elements = []
            return
        }
        guard let nodes = node.sequence else { throw node.isNot("a list") }
        guard !nodes.isEmpty else { throw SettingsProblem(at: [], "expected at least one element, found an empty list") }
        elements = nodes.enumerated().compactMap { index, node in
            here.record.sound(Element.self, from: node, at: here.path + [String(index)])
        }
    }
}

/// One value, or a list of them, each once.
struct OneOrMore<Value: Decodable & Hashable & CustomStringConvertible>: Decodable {
    let values: [Located<Value>]

    init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        guard here.node?.scalar == nil else {
            values = [try here.record.decode(Located<Value>.self, from: here.node, at: here.path)]
            return
        }
        values = try here.record.decode([Located<Value>].self, from: here.node, at: here.path)
        guard here.node == nil || here.node?.sequence?.isEmpty == false else {
            throw SettingsProblem(at: [], "expected at least one, found none")
        }
        var known: Set<Value> = []
        for (index, value) in values.enumerated() where !known.insert(value.value).inserted {
            here.note(SettingsProblem(at: [String(index)], "'\(value.value)' is in the list already"))
        }
    }
}

/// A mapping from names to settings, in the order of the file, without those that have a problem.
struct SoundNames<Name: ChosenName, Settings: Decodable>: Decodable {
    /// The name is located at its key.
    let entries: [(name: Located<Name>, settings: Located<Settings>)]

    static var none: Self { SoundNames(entries: []) }

    private init(entries: [(name: Located<Name>, settings: Located<Settings>)]) { self.entries = entries }

    init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        guard let node = here.node else {
            self = .none
            return
        }
        guard let mapping = node.mapping else { throw node.isNot("a mapping from names to settings") }
        entries = mapping.entries.compactMap { entry in
            let name = Self.name(entry, in: here.record)
            let settings = here.record.sound(Settings.self, from: entry.value, at: here.path + [entry.key])
            return name.flatMap { name in settings.map { (name, $0) } }
        }
    }

    private static func name(_ entry: ConfigurationNode.Mapping.Entry, in record: DecodingRecord) -> Located<Name>? {
        do throws(NameError) {
            return Located(try Name(entry.key), at: entry.keyMark)
        } catch {
            let text = "expected \(error.expectation), found '\(Quoted.shortened(entry.key))'"
            record.note(LocatedProblem(at: entry.keyMark, text))
            return nil
        }
    }
}

extension DecodingRecord {
    /// The value, unless something is wrong with it.
    func sound<Value: Decodable>(_ type: Value.Type, from node: ConfigurationNode, at path: [String]) -> Located<Value>? {
        if let scalar = node.scalar, scalar.isNull || scalar.isMissing {
            let isElement = path.last.flatMap { Int($0) } != nil
            let text = LocatedProblem.label(of: path) + (isElement ? "an element has no value" : "has no value")
            note(LocatedProblem(at: node.mark, text, hint: "write one, or remove it"))
            return nil
        }
        let countBefore = problemCount
        do throws(Abandoned) {
            let value = try decode(type, from: node, at: path)
            return problemCount == countBefore ? Located(value, at: node.mark) : nil
        } catch {
            return nil
        }
    }
}
