/// A value in a configuration file and where it stands.
package struct ConfigurationNode: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case scalar(Scalar)
        case sequence([ConfigurationNode])
        case mapping(Mapping)
    }

    /// Text; what else it may be is decided by whoever asks for it.
    package struct Scalar: Hashable, Sendable {
        /// The value, with `${NAME}` replaced.
        package let text: String
        /// As it stands in the file. Messages quote this one: what came from the environment may be a secret.
        package let written: String
        /// False when quotes, a block style or `!!str` make it text and nothing else.
        package let isPlain: Bool
        /// A variable in it could not be replaced, which is a problem told already: nothing is to be concluded from the text.
        package let isUnusable: Bool

        package init(text: String, written: String, isPlain: Bool, isUnusable: Bool = false) {
            self.text = text
            self.written = written
            self.isPlain = isPlain
            self.isUnusable = isUnusable
        }

        package var cameFromEnvironment: Bool { text != written }
        /// An explicit `null` or `~`.
        package var isNull: Bool { isPlain && ["null", "Null", "NULL", "~"].contains(written) }
        /// A key with nothing behind it.
        package var isMissing: Bool { isPlain && written.isEmpty }
    }

    /// Keys in the order of the file, each once.
    package struct Mapping: Hashable, Sendable {
        package struct Entry: Hashable, Sendable {
            package let key: String
            package let keyMark: Mark
            package let value: ConfigurationNode
        }

        package let entries: [Entry]
        private let positions: [String: Int]

        /// The first of several entries with one key wins.
        package init(_ entries: [Entry]) {
            self.entries = entries
            positions = Dictionary(entries.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
        }

        package subscript(key: String) -> Entry? { positions[key].map { entries[$0] } }

        package func without(_ key: String) -> Mapping { Mapping(entries.filter { $0.key != key }) }
    }

    package let content: Content
    package let mark: Mark

    package init(_ content: Content, at mark: Mark) {
        self.content = content
        self.mark = mark
    }

    package var scalar: Scalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    package var sequence: [ConfigurationNode]? {
        if case .sequence(let nodes) = content { nodes } else { nil }
    }

    package var mapping: Mapping? {
        if case .mapping(let mapping) = content { mapping } else { nil }
    }

    /// The value at a path of keys and list positions; `nil` when there is none.
    package func node(at keyPath: some Sequence<String>) -> ConfigurationNode? {
        var node = self
        for step in keyPath {
            switch node.content {
            case .mapping(let mapping):
                guard let entry = mapping[step] else { return nil }
                node = entry.value
            case .sequence(let nodes):
                guard let position = Int(step), nodes.indices.contains(position) else { return nil }
                node = nodes[position]
            case .scalar: return nil
            }
        }
        return node
    }

    /// Where to point for a path of keys: the value, or the deepest one on the way to it that exists.
    package func mark(at keyPath: some Sequence<String>) -> Mark {
        var (path, mark) = ([String](), self.mark)
        for step in keyPath {
            path.append(step)
            guard let node = node(at: path) else { return mark }
            mark = node.mark
        }
        return mark
    }

    /// The same text for all nodes that say the same, wherever and in whatever order of keys they say it.
    package var meaning: String {
        switch content {
        case .scalar(let scalar): (scalar.isPlain ? "" : "text ") + String(reflecting: scalar.text)
        case .sequence(let nodes): "[" + nodes.map(\.meaning).joined(separator: ", ") + "]"
        case .mapping(let mapping):
            "{"
                + mapping.entries.map { "\(String(reflecting: $0.key)): \($0.value.meaning)" }.sorted().joined(separator: ", ")
                + "}"
        }
    }

    /// What a message calls it: `a list`, `a mapping`, `'text'`.
    package var quotation: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar): scalar.isMissing ? "nothing" : "'\(Quoted.shortened(scalar.written))'"
        }
    }
}
