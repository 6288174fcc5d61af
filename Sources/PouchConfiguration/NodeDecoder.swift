import PouchKit

/// The standard library's `Decoder` over a node. See `SettingsDecoder` for what it promises.
struct NodeDecoder: Decoder {
    /// `nil`: the file has no usable value here and one is being made up; nothing is noted any more.
    let node: ConfigurationNode?
    let path: [String]
    let record: DecodingRecord

    var codingPath: [any CodingKey] { path.map(SettingsKey.init) }
    var userInfo: [CodingUserInfoKey: Any] { record.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(KeyedNodes<Key>(mapping: try openMapping(), decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let node else { return UnkeyedNodes(nodes: [], decoder: self) }
        guard let nodes = node.sequence else { throw node.isNot("a list") }
        return UnkeyedNodes(nodes: nodes, decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleNode(decoder: self) }

    private func openMapping() throws -> ConfigurationNode.Mapping {
        guard let node else { return ConfigurationNode.Mapping([]) }
        guard let mapping = node.mapping else { throw node.isNot("a mapping") }
        record.opened(mapping, at: path)
        return mapping
    }

    func below(_ key: String, _ node: ConfigurationNode?) -> NodeDecoder {
        NodeDecoder(node: node, path: path + [key], record: record)
    }

    /// Notes a node of another kind and stands in for it: a nested container has no value of its own to give up.
    func requiring(_ expectation: String, _ fits: (ConfigurationNode) -> Bool) -> NodeDecoder {
        guard let node, !fits(node) else { return self }
        record.note(node.isNot(expectation), at: path, node)
        return NodeDecoder(node: nil, path: path, record: record)
    }
}

/// A key or a position in a list.
struct SettingsKey: CodingKey {
    let stringValue: String

    init(stringValue: String) { self.stringValue = stringValue }
    init(intValue: Int) { stringValue = String(intValue) }

    var intValue: Int? { nil }
}

extension ConfigurationNode {
    /// What to throw when this is something else than was asked for.
    func isNot(_ expectation: String, hint: String? = nil) -> SettingsProblem {
        SettingsProblem(at: [], "expected \(expectation), found \(quotation)", hint: hint)
    }
}

// MARK: - Keyed

private struct KeyedNodes<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let mapping: ConfigurationNode.Mapping
    let decoder: NodeDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { mapping.entries.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool {
        decoder.record.askedFor(key.stringValue, at: decoder.path)
        return mapping[key.stringValue] != nil
    }

    /// True for an explicit `null`. A key with nothing behind it is a slip, not a decision.
    func decodeNil(forKey key: Key) throws -> Bool {
        guard contains(key), let entry = mapping[key.stringValue] else { return true }
        guard let scalar = entry.value.scalar else { return false }
        if scalar.isMissing { noteNoValue(entry) }
        return scalar.isNull || scalar.isMissing
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoder.record.decode(type, from: node(forKey: key), at: decoder.path + [key.stringValue])
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try generic(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try generic(type, key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try generic(type, key) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try generic(type, key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try generic(type, key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try generic(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try generic(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try generic(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try generic(type, key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try generic(type, key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try generic(type, key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try generic(type, key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try generic(type, key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try generic(type, key) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try nested(key, "a mapping") { $0.mapping != nil }.container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key, "a list") { $0.sequence != nil }.unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder.below("super", node(named: "super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { decoder.below(key.stringValue, node(forKey: key)) }

    private func generic<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value { try decode(type, forKey: key) }

    private func node(forKey key: Key) -> ConfigurationNode? { node(named: key.stringValue) }

    /// The value of a key that must be there; without one that is noted.
    private func node(named key: String) -> ConfigurationNode? {
        decoder.record.askedFor(key, at: decoder.path)
        guard let owner = decoder.node else { return nil }
        guard let entry = mapping[key] else {
            decoder.record.noteMissing(key, in: decoder.path, at: owner.mark)
            return nil
        }
        if let scalar = entry.value.scalar, scalar.isNull || scalar.isMissing {
            noteNoValue(entry)
            return nil
        }
        return entry.value
    }

    private func noteNoValue(_ entry: ConfigurationNode.Mapping.Entry) {
        decoder.record.note(
            LocatedProblem(
                at: entry.keyMark, "'\(Quoted.shortened(entry.key))' has no value", hint: "give it one, or remove the key"))
    }

    private func nested(
        _ key: Key,
        _ expectation: String,
        _ fits: (ConfigurationNode) -> Bool
    ) -> NodeDecoder {
        decoder.below(key.stringValue, node(forKey: key)).requiring(expectation, fits)
    }
}

// MARK: - Unkeyed

private struct UnkeyedNodes: UnkeyedDecodingContainer {
    let nodes: [ConfigurationNode]
    let decoder: NodeDecoder
    private(set) var currentIndex = 0

    init(nodes: [ConfigurationNode], decoder: NodeDecoder) {
        self.nodes = nodes
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { nodes.count }
    var isAtEnd: Bool { currentIndex >= nodes.count }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, let scalar = nodes[currentIndex].scalar, scalar.isNull || scalar.isMissing else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let next = takeNext()
        return try next.record.decode(type, from: next.node, at: next.path)
    }

    mutating func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) throws -> KeyedDecodingContainer<NestedKey> {
        try takeNext().requiring("a mapping") { $0.mapping != nil }.container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try takeNext().requiring("a list") { $0.sequence != nil }.unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { takeNext() }

    /// A list that is too short is noted, and a value made up.
    private mutating func takeNext() -> NodeDecoder {
        defer { currentIndex += 1 }
        guard isAtEnd else { return decoder.below(String(currentIndex), nodes[currentIndex]) }
        if let node = decoder.node {
            decoder.record.note(
                SettingsProblem(at: [], "expected more than \(nodes.count) values in the list"), at: decoder.path, node)
        }
        return decoder.below(String(currentIndex), nil)
    }
}
