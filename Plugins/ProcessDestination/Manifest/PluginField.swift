import PouchKit

/// A setting that a plugin asks for, with its type.
package struct PluginField: Decodable, Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, Decodable, CaseIterable {
        case text, integer, boolean, choice, path, size, duration, secret
    }

    package var type: Kind
    /// Unless there is a default.
    package var required: Bool?
    package var standard: SettingValue?
    package var choices: [String]?
    /// For people.
    package var description: String?
    /// True: two destinations with other values here deliver to different targets.
    package var target: Bool?

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case type, required, choices, description, target
        case standard = "default"
    }

    /// A value as the plugin is to get it.
    func checked(_ value: SettingValue, in folder: String) throws(SettingsProblem) -> PluginValue {
        switch type {
        case .text:
            guard let text = value.text else { throw value.isNot("text") }
            return .text(text)
        case .integer:
            guard let number = value.integer else { throw value.isNot("a whole number") }
            return .integer(number)
        case .boolean:
            guard let isTrue = value.boolean else { throw value.isNot("true or false") }
            return .boolean(isTrue)
        case .choice:
            let known = choices ?? []
            guard let text = value.text, known.contains(text) else {
                throw value.isNot("one of " + known.joined(separator: ", "))
            }
            return .text(text)
        case .path:
            guard let text = value.text else { throw value.isNot("a path") }
            return .text(try SettingsPath(text, in: folder).absolute)
        case .size:
            guard let text = value.text else { throw value.isNot("a size such as 5 GiB") }
            return .integer(try ByteCount(text).bytes)
        case .duration:
            guard let text = value.text else { throw value.isNot("a time such as 30s") }
            return .number(Double(try TimeSpan(text).milliseconds) / 1_000)
        case .secret: throw SettingsProblem(at: [], "a secret is no plain value")
        }
    }
}

/// A setting as a plugin gets it.
enum PluginValue: Hashable, Sendable, Encodable, CustomStringConvertible {
    case text(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)

    var description: String {
        switch self {
        case .text(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .boolean(let isTrue): "\(isTrue)"
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let number): try container.encode(number)
        case .number(let number): try container.encode(number)
        case .boolean(let isTrue): try container.encode(isTrue)
        }
    }
}
