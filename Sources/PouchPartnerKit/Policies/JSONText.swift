import PouchKit

/// JSON whose members stay in the order in which they were written: the same kit is the same bytes every time, and a reviewer's
/// diff shows what changed.
package indirect enum JSONText: Hashable, Sendable {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([JSONText])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package let name: String
        package let value: JSONText
    }

    /// An object, from its members in order.
    package static func members(_ members: KeyValuePairs<String, JSONText>) -> JSONText {
        .object(members.map { Member(name: $0.key, value: $0.value) })
    }

    /// One text as it is, several as a list: as policies are usually written.
    package static func oneOrMore(_ texts: [String]) -> JSONText {
        texts.count == 1 ? .text(texts[0]) : .list(texts.map(JSONText.text))
    }

    /// With two spaces a level; the lines after the first begin with `indent` as well.
    package func pretty(indent: String = "") -> String {
        let deeper = indent + "  "
        return switch self {
        case .list(let elements) where !elements.isEmpty:
            "[\n" + elements.map { deeper + $0.pretty(indent: deeper) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members) where !members.isEmpty:
            "{\n"
                + members.map { "\(deeper)\(Self.quoted($0.name)): \($0.value.pretty(indent: deeper))" }.joined(separator: ",\n")
                + "\n\(indent)}"
        default: line
        }
    }

    /// On one line.
    package var line: String {
        switch self {
        case .text(let text): Self.quoted(text)
        case .number(let number): "\(number)"
        case .flag(let flag): flag ? "true" : "false"
        case .list(let elements): "[" + elements.map(\.line).joined(separator: ", ") + "]"
        case .object(let members): "{ " + members.map { "\(Self.quoted($0.name)): \($0.value.line)" }.joined(separator: ", ") + " }"
        }
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
