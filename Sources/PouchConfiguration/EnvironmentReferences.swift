/// `${NAME}` and `${NAME:-default}` in a text; `$$` is a dollar sign.
///
/// What is put in is text: it is not read again as a reference, nor as YAML.
enum EnvironmentReferences {
    struct Problem: Error, Equatable {
        let text: String
        let hint: String?
    }

    /// - Parameter limit: the most bytes that the result may have.
    /// - Throws: `Problem` for a variable that is not set and has no default, a reference that is not closed or has no name, a
    ///   default that contains a reference, a lone `$`, and a result over the limit.
    static func expand(_ text: String, from environment: [String: String], limit: Int) throws(Problem) -> String {
        let dollar = UInt8(ascii: "$")
        guard text.utf8.contains(dollar) else { return text }
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let position = rest.firstIndex(of: dollar) {
            result += rest[..<position]
            rest = rest[(position + 1)...]
            switch rest.first {
            case dollar:
                result.append(dollar)
                rest = rest.dropFirst()
            case UInt8(ascii: "{"):
                guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else {
                    let start = String(decoding: rest, as: UTF8.self)
                    throw Problem(text: "'$\(Quoted.shortened(start))' is not closed by '}'", hint: nil)
                }
                result += try value(of: String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self), from: environment).utf8
                rest = rest[(end + 1)...]
            default:
                throw Problem(
                    text: "a '$' that begins no variable",
                    hint: "write ${NAME} for a variable (in quotes inside { }) and $$ for a dollar sign")
            }
            guard result.count <= limit else { throw Problem(text: "the values from the environment are too long", hint: nil) }
        }
        return String(decoding: result + rest, as: UTF8.self)
    }

    private static func value(of reference: String, from environment: [String: String]) throws(Problem) -> String {
        let name = reference.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let rest = reference[name.endIndex...]
        guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") else {
            throw Problem(
                text: "'${\(Quoted.shortened(reference))}' is not a variable",
                hint: "write ${NAME} or ${NAME:-default}; a name has letters, digits and '_'")
        }
        guard !rest.contains("$") else {
            throw Problem(text: "the default of '${\(name)}' contains a variable", hint: "a default is plain text")
        }
        let value = environment[String(name)]
        guard rest.isEmpty else {
            // As in a shell: `:-` stands in for a variable that is empty, too.
            return value.flatMap { $0.isEmpty ? nil : $0 } ?? String(rest.dropFirst(2))
        }
        guard let value else {
            throw Problem(
                text: "the environment variable \(name) is not set",
                hint: "set it for the agent, or write ${\(name):-default}")
        }
        return value
    }
}
