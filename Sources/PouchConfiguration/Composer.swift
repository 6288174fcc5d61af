/// Builds nodes from libyaml's events: one document, keys that are text, anchors within bounds.
///
/// An alias shares the node that it names, but whoever walks the tree meets it again: sizes and depths are therefore counted
/// as if each alias were written out, and a file that would grow too large is refused before anybody walks it.
struct Composer: ~Copyable {
    static let mostNodes = 100_000
    static let greatestDepth = 100
    /// With more than these, a file is not what it was meant to be.
    private static let mostProblems = 200

    private let bytes: [UInt8]
    private var events: YAMLEventStream
    /// `nil`: nothing is replaced.
    private let environment: [String: String]?
    private var problems: [YAMLText.Problem] = []
    private var anchors: [String: Anchor] = [:]
    private var nodeCount = 0
    /// Of all values that contain a variable, together.
    private var expandedBytes = 0

    /// A node with what it counts for.
    private struct Part {
        let node: ConfigurationNode
        /// Nodes, itself and keys included, aliases written out.
        var size = 1
        /// Levels below this one.
        var height = 0
    }

    private enum Anchor {
        case open
        case complete(Part)
    }

    /// The document of a file, or what is wrong with it; both when it could be read in spite of that.
    static func compose(
        _ bytes: [UInt8],
        environment: [String: String]?
    ) -> (root: ConfigurationNode?, problems: [YAMLText.Problem]) {
        do throws(YAMLText.Problem) {
            try YAMLText.check(bytes)
            var composer = try Composer(bytes, environment: environment)
            return composer.composeDocument()
        } catch {
            return (nil, [error])
        }
    }

    private init(_ bytes: [UInt8], environment: [String: String]?) throws(YAMLText.Problem) {
        do throws(YAMLSyntaxError) { events = try YAMLEventStream(bytes) } catch { throw YAMLText.Problem(error, in: bytes) }
        self.bytes = bytes
        self.environment = environment
    }

    private mutating func composeDocument() -> (root: ConfigurationNode?, problems: [YAMLText.Problem]) {
        do throws(YAMLText.Problem) {
            return (try readDocument(), problems)
        } catch {
            return (nil, problems + [error])
        }
    }

    private mutating func readDocument() throws(YAMLText.Problem) -> ConfigurationNode {
        var root: ConfigurationNode?
        while true {
            let event = try next()
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .documentStart:
                guard root == nil else {
                    throw YAMLText.Problem(
                        mark: event.mark, text: "a second document begins here",
                        hint: "put everything into one, without '---' lines")
                }
                root = try compose(next(), depth: 1).node
            case .streamEnd:
                guard let root else { throw YAMLText.Problem(mark: .start, text: "the file is empty", hint: nil) }
                return root
            case .sequenceEnd, .mappingEnd, .alias, .scalar, .sequenceStart, .mappingStart:
                throw YAMLText.Problem(mark: event.mark, text: "a value outside of the document", hint: nil)
            }
        }
    }

    private mutating func next() throws(YAMLText.Problem) -> YAMLEvent {
        guard problems.count < Self.mostProblems else {
            throw YAMLText.Problem(
                mark: problems[problems.count - 1].mark, text: "the rest of the file was not read: there are too many errors",
                hint: nil)
        }
        do throws(YAMLSyntaxError) { return try events.next() } catch { throw YAMLText.Problem(error, in: bytes) }
    }

    // MARK: Nodes

    private mutating func compose(_ event: YAMLEvent, depth: Int) throws(YAMLText.Problem) -> Part {
        guard depth <= Self.greatestDepth else { throw tooDeep(at: event.mark) }
        switch event.kind {
        case .alias(let name): return try resolve(name, at: event.mark, depth: depth)
        case .scalar(let text, let isPlain, let properties):
            try count(1, at: event.mark)
            let scalar = try scalar(text, isPlain: isPlain, tag: properties.tag, at: event.mark)
            return keep(Part(node: ConfigurationNode(.scalar(scalar), at: event.mark)), as: properties.anchor)
        case .sequenceStart(let properties):
            open(properties, expecting: "seq", at: event.mark)
            return keep(try sequence(at: event.mark, depth: depth), as: properties.anchor)
        case .mappingStart(let properties):
            open(properties, expecting: "map", at: event.mark)
            return keep(try mapping(at: event.mark, depth: depth), as: properties.anchor)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw YAMLText.Problem(mark: event.mark, text: "expected a value", hint: nil)
        }
    }

    private mutating func sequence(at mark: Mark, depth: Int) throws(YAMLText.Problem) -> Part {
        try count(1, at: mark)
        var (nodes, size, height) = ([ConfigurationNode](), 1, 0)
        while true {
            let event = try next()
            if case .sequenceEnd = event.kind { break }
            let part = try compose(event, depth: depth + 1)
            nodes.append(part.node)
            size += part.size
            height = max(height, part.height + 1)
        }
        return Part(node: ConfigurationNode(.sequence(nodes), at: mark), size: size, height: height)
    }

    private mutating func mapping(at mark: Mark, depth: Int) throws(YAMLText.Problem) -> Part {
        try count(1, at: mark)
        var keys = MappingKeys()
        var (size, height) = (1, 0)
        while true {
            let event = try next()
            if case .mappingEnd = event.kind { break }
            let key = try self.key(event, depth: depth)
            let value = try compose(next(), depth: depth + 1)
            size += 1 + value.size
            height = max(height, value.height + 1)
            guard let key else { continue }
            keys.add(key, at: event.mark, value.node, problems: &problems)
        }
        return Part(node: ConfigurationNode(.mapping(keys.mapping), at: mark), size: size, height: height)
    }

    /// `nil` for a key that is not text; that is a problem already told.
    private mutating func key(_ event: YAMLEvent, depth: Int) throws(YAMLText.Problem) -> MappingKeys.Key? {
        if case .scalar(let text, let isPlain, let properties) = event.kind {
            try count(1, at: event.mark)
            let scalar = ConfigurationNode.Scalar(text: text, written: text, isPlain: isPlain)
            _ = keep(Part(node: ConfigurationNode(.scalar(scalar), at: event.mark)), as: properties.anchor)
            return MappingKeys.Key(text: text, isPlain: isPlain)
        }
        let part = try compose(event, depth: depth + 1)
        guard let scalar = part.node.scalar else {
            problems.append(YAMLText.Problem(mark: event.mark, text: "expected a key, found \(part.node.quotation)", hint: nil))
            return nil
        }
        return MappingKeys.Key(text: scalar.written, isPlain: scalar.isPlain)
    }

    private mutating func scalar(
        _ written: String,
        isPlain: Bool,
        tag: String?,
        at mark: Mark
    ) throws(YAMLText.Problem) -> ConfigurationNode.Scalar {
        var isText = !isPlain
        switch tag {
        case nil, "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float": break
        case "!", "tag:yaml.org,2002:str": isText = true
        case .some(let tag): refuse(tag, at: mark)
        }
        guard let environment else { return .init(text: written, written: written, isPlain: !isText) }
        let text: String
        do throws(EnvironmentReferences.Problem) {
            text = try EnvironmentReferences.expand(written, from: environment, limit: YAMLText.largestFile - expandedBytes)
        } catch {
            problems.append(YAMLText.Problem(mark: mark, text: error.text, hint: error.hint))
            return .init(text: written, written: written, isPlain: !isText, isUnusable: true)
        }
        if text != written { expandedBytes += text.utf8.count }
        // Inside `{ }` a reference must stand in quotes: there they say nothing about what its value is.
        return .init(text: text, written: written, isPlain: !isText || text != written)
    }

    // MARK: Anchors and bounds

    private mutating func open(_ properties: YAMLEvent.Properties, expecting kind: String, at mark: Mark) {
        if let anchor = properties.anchor { anchors[anchor] = .open }
        if let tag = properties.tag, tag != "!", tag != "tag:yaml.org,2002:" + kind { refuse(tag, at: mark) }
    }

    private mutating func keep(_ part: Part, as anchor: String?) -> Part {
        if let anchor { anchors[anchor] = .complete(part) }
        return part
    }

    private mutating func resolve(_ name: String, at mark: Mark, depth: Int) throws(YAMLText.Problem) -> Part {
        switch anchors[name] {
        case .complete(let part):
            guard depth + part.height <= Self.greatestDepth else { throw tooDeep(at: mark) }
            try count(part.size, at: mark)
            return part
        case .open: throw YAMLText.Problem(mark: mark, text: "the alias '*\(Quoted.shortened(name))' contains itself", hint: nil)
        case nil:
            throw YAMLText.Problem(
                mark: mark, text: "the alias '*\(Quoted.shortened(name))' has no anchor",
                hint: "a value that begins with '*' needs quotes")
        }
    }

    private mutating func count(_ size: Int, at mark: Mark) throws(YAMLText.Problem) {
        nodeCount += size
        guard nodeCount <= Self.mostNodes else {
            throw YAMLText.Problem(
                mark: mark, text: "the file has more than \(Self.mostNodes) values, aliases counted in full", hint: nil)
        }
    }

    private mutating func refuse(_ tag: String, at mark: Mark) {
        problems.append(
            YAMLText.Problem(mark: mark, text: "the tag '\(Quoted.shortened(tag))' means nothing here", hint: "remove it"))
    }

    private func tooDeep(at mark: Mark) -> YAMLText.Problem {
        YAMLText.Problem(mark: mark, text: "values lie more than \(Self.greatestDepth) levels deep", hint: nil)
    }
}

/// The keys of one mapping while it is read: finds duplicates, and resolves `<<`.
private struct MappingKeys {
    struct Key {
        let text: String
        let isPlain: Bool
    }

    private var entries: [ConfigurationNode.Mapping.Entry] = []
    private var lines: [String: Int] = [:]
    private var merged: [ConfigurationNode.Mapping] = []

    /// What is written in the mapping itself comes before what is merged into it.
    var mapping: ConfigurationNode.Mapping {
        guard !merged.isEmpty else { return ConfigurationNode.Mapping(entries) }
        var known = Set(entries.map(\.key))
        return ConfigurationNode.Mapping(
            entries + merged.flatMap { $0.entries.filter { known.insert($0.key).inserted } })
    }

    mutating func add(_ key: Key, at mark: Mark, _ value: ConfigurationNode, problems: inout [YAMLText.Problem]) {
        if let line = lines[key.text] {
            problems.append(
                YAMLText.Problem(
                    mark: mark, text: "duplicate key '\(Quoted.shortened(key.text))'", hint: "it stands in line \(line) already"))
            return
        }
        lines[key.text] = mark.line
        guard key.text == "<<", key.isPlain else {
            entries.append(.init(key: key.text, keyMark: mark, value: value))
            return
        }
        let sources = value.sequence ?? [value]
        for source in sources {
            if let mapping = source.mapping {
                merged.append(mapping)
            } else {
                problems.append(
                    YAMLText.Problem(
                        mark: source.mark, text: "'<<' merges a mapping or a list of mappings, found \(source.quotation)", hint: nil
                    ))
            }
        }
    }
}
