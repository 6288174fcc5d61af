/// Lists and dictionaries: one wrong element does not hide what is wrong with the next.
protocol SettingsCollection {
    static var empty: Self { get }
    static func decoded(from node: ConfigurationNode, at path: [String], in record: DecodingRecord) throws -> Self
}

extension Array: SettingsCollection where Element: Decodable {
    static var empty: Self { [] }

    static func decoded(from node: ConfigurationNode, at path: [String], in record: DecodingRecord) throws -> Self {
        guard let nodes = node.sequence else { throw node.isNot("a list") }
        return nodes.enumerated().compactMap { index, node in
            do throws(Abandoned) { return try record.decode(Element.self, from: node, at: path + [String(index)]) } catch {
                return nil
            }
        }
    }
}

extension Dictionary: SettingsCollection where Key == String, Value: Decodable {
    static var empty: Self { [:] }

    static func decoded(from node: ConfigurationNode, at path: [String], in record: DecodingRecord) throws -> Self {
        guard let mapping = node.mapping else { throw node.isNot("a mapping") }
        var values: Self = [:]
        for entry in mapping.entries {
            do throws(Abandoned) {
                values[entry.key] = try record.decode(Value.self, from: entry.value, at: path + [entry.key])
            } catch { continue }
        }
        return values
    }
}

/// Enumerations with texts for cases: `suffix | fail | replace`.
enum Choice {
    /// `nil` unless all cases are texts.
    static func texts<Value>(of type: Value.Type) -> [String]? {
        guard let choices = type as? any (RawRepresentable & CaseIterable).Type else { return nil }
        return texts(ofCases: choices)
    }

    static func first<Value>(of type: Value.Type) -> Any? {
        guard texts(of: type) != nil, let choices = type as? any CaseIterable.Type else { return nil }
        return firstCase(of: choices)
    }

    static func check(_ node: ConfigurationNode, among choices: [String]) throws {
        guard let scalar = node.scalar, choices.contains(scalar.text) else {
            let hint = node.scalar.flatMap { Suggestion.nearest(to: $0.written, among: choices) }.map { "did you mean '\($0)'?" }
            throw node.isNot("one of " + choices.joined(separator: ", "), hint: hint)
        }
    }

    private static func texts<Choices: RawRepresentable & CaseIterable>(ofCases type: Choices.Type) -> [String]? {
        let texts = type.allCases.compactMap { $0.rawValue as? String }
        return texts.isEmpty || texts.count < type.allCases.count ? nil : texts
    }

    private static func firstCase<Choices: CaseIterable>(of type: Choices.Type) -> Choices? { type.allCases.first }
}
