import PouchKit

/// Thrown when no value can be made up for one that is wrong; the problem itself has been noted.
struct Abandoned: Error {}

/// What was found, and which keys were asked for, while one value is decoded.
final class DecodingRecord {
    let userInfo: [CodingUserInfoKey: any Sendable]
    /// Where the decoded value stands in the file.
    private let path: [String]
    private var problems: [LocatedProblem] = []
    private var missing: [(mapping: [String], key: String, problem: LocatedProblem)] = []
    /// Values whose problem was told before decoding began.
    private var unusableCount = 0
    private var asked: [[String]: Asked] = [:]
    /// Further unknown keys are not looked into.
    private static let mostProblems = 200
    /// Mappings whose type gave up: nobody knows which keys it would have asked for.
    private var incomplete: Set<[String]> = []

    private struct Asked {
        let mapping: ConfigurationNode.Mapping
        let order: Int
        var keys: Set<String> = []
    }

    init(path: [String], userInfo: [CodingUserInfoKey: any Sendable]) {
        self.path = path
        self.userInfo = userInfo
    }

    /// Grows with each problem.
    var problemCount: Int { problems.count + missing.count + unusableCount }

    // MARK: Decoding

    /// - Parameter node: `nil` when the file has none and a value is to be made up.
    func decode<Value: Decodable>(
        _ type: Value.Type,
        from node: ConfigurationNode?,
        at path: [String]
    ) throws(Abandoned) -> Value {
        guard let node else { return try placeholder(type, at: path) }
        guard node.scalar?.isUnusable != true else {
            unusableCount += 1
            return try placeholder(type, at: path)
        }
        let countBefore = problemCount
        do {
            if let list = type as? any SettingsCollection.Type {
                if let value = try list.decoded(from: node, at: path, in: self) as? Value { return value }
            }
            if let choices = Choice.texts(of: type) { try Choice.check(node, among: choices) }
            return try Value(from: NodeDecoder(node: node, path: path, record: self))
        } catch {
            // What follows from a problem that is noted already would only confuse.
            if problemCount == countBefore { note(error, at: path, node) }
            incomplete.insert(path)
            return try placeholder(type, at: path)
        }
    }

    private func placeholder<Value: Decodable>(_ type: Value.Type, at path: [String]) throws(Abandoned) -> Value {
        if let list = type as? any SettingsCollection.Type, let value = list.empty as? Value { return value }
        if let type = type as? any HasStandIn.Type, let value = type.standIn as? Value { return value }
        if let name = type as? any ChosenName.Type, let value = name.init(unchecked: "unreadable") as? Value { return value }
        if let value = Choice.first(of: type) as? Value { return value }
        do { return try Value(from: NodeDecoder(node: nil, path: path, record: self)) } catch { throw Abandoned() }
    }

    // MARK: Noting

    func note(_ problem: LocatedProblem) { problems.append(problem) }

    /// - Parameter path: of the value in which the error was thrown.
    func note(_ error: any Error, at path: [String], _ node: ConfigurationNode) {
        switch error {
        case let problem as SettingsProblem:
            let whole = path + problem.keyPath
            let text = redacted(problem.text, at: problem.keyPath, node)
            note(LocatedProblem(at: node.mark(at: problem.keyPath), LocatedProblem.label(of: whole) + text, hint: problem.hint))
        case let error as NameError:
            let text = "expected \(error.expectation), found \(node.quotation)"
            note(LocatedProblem(at: node.mark, LocatedProblem.label(of: path) + text))
        case let error as DecodingError:
            let (text, codingPath) = error.textAndPath
            let inner = Array(codingPath.dropFirst(path.count))
            note(SettingsProblem(at: inner, text), at: path, node)
        default:
            let text = redacted("\(error)", at: [], node).replacing("\n", with: " ")
            note(LocatedProblem(at: node.mark, LocatedProblem.label(of: path) + text))
        }
    }

    func noteMissing(_ key: String, in mapping: [String], at mark: Mark) {
        let place = (path + mapping).filter { Int($0) == nil }.joined(separator: ".")
        let problem = LocatedProblem(at: mark, "'\(key)' is missing" + (place.isEmpty ? "" : " in \(place)"))
        missing.append((mapping, key, problem))
    }

    func opened(_ mapping: ConfigurationNode.Mapping, at path: [String]) {
        if asked[path] == nil { asked[path] = Asked(mapping: mapping, order: asked.count) }
    }

    func askedFor(_ key: String, at path: [String]) { asked[path]?.keys.insert(key) }

    /// A value from the environment may be a secret: a message shows the reference instead.
    private func redacted(_ text: String, at keyPath: [String], _ node: ConfigurationNode) -> String {
        guard let scalar = node.node(at: keyPath)?.scalar, scalar.cameFromEnvironment, !scalar.text.isEmpty else { return text }
        return text.replacing(VisibleText.escaped(scalar.text), with: scalar.written)
            .replacing(scalar.text, with: scalar.written)
    }

    // MARK: Afterwards

    /// All problems, those of keys that nobody asked for included.
    func finish() -> [LocatedProblem] {
        var explained: Set<[String]> = []
        for (path, asked) in asked.sorted(by: { $0.value.order < $1.value.order }) where !incomplete.contains(path) {
            for entry in asked.mapping.entries where !asked.keys.contains(entry.key) && problemCount < Self.mostProblems {
                let free = asked.keys.filter { asked.mapping[$0] == nil }
                let suggestion = Suggestion.nearest(to: entry.key, among: free)
                if let suggestion { explained.insert(path + [suggestion]) }
                problems.append(unknown(entry, suggestion: suggestion, known: asked.keys))
            }
        }
        return problems + missing.filter { !explained.contains($0.mapping + [$0.key]) }.map(\.problem)
    }

    private func unknown(
        _ entry: ConfigurationNode.Mapping.Entry,
        suggestion: String?,
        known: Set<String>
    ) -> LocatedProblem {
        let keys = "the keys here are \(known.sorted().joined(separator: ", "))"
        let hint = suggestion.map { "did you mean '\($0)'?" } ?? (known.isEmpty ? "there are no keys here" : keys)
        return LocatedProblem(at: entry.keyMark, "unknown key '\(Quoted.shortened(entry.key))'", hint: hint)
    }
}

extension DecodingError {
    fileprivate var textAndPath: (text: String, path: [String]) {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            (context.debugDescription, context.codingPath.map(\.settingsKey))
        case .keyNotFound(let key, let context):
            ("'\(key.stringValue)' is missing", context.codingPath.map(\.settingsKey))
        @unknown default: ("\(self)", [])
        }
    }
}

extension CodingKey {
    var settingsKey: String { intValue.map(String.init) ?? stringValue }
}
