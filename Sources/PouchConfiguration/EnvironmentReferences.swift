/// `${NAME}` and `${NAME:-default}` in a text; `$$` is a dollar sign.
///
/// What is put in is text: it is not read again as a reference, nor as YAML.
enum EnvironmentReferences {
    struct Problem: Error, Equatable {
        let text: String
        let hint: String?
    }

    /// - Throws: `Problem` for a variable that is not set and has no default, a reference that is not closed or has no name, a
    ///   default that contains a reference, and a lone `$`.
    static func expand(_ text: String, from environment: [String: String]) throws(Problem) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            switch rest.first {
            case "$":
                result += "$"
                rest.removeFirst()
            case "{":
                guard let end = rest.firstIndex(of: "}") else {
                    throw Problem(text: "'$\(Quoted.shortened(String(rest)))' is not closed by '}'", hint: nil)
                }
                result += try value(of: rest[rest.index(after: rest.startIndex)..<end], from: environment)
                rest = rest[rest.index(after: end)...]
            default:
                throw Problem(
                    text: "a '$' that begins no variable", hint: "write ${NAME} for a variable and $$ for a dollar sign")
            }
        }
        return result + rest
    }

    private static func value(of reference: Substring, from environment: [String: String]) throws(Problem) -> String {
        let name = reference.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let rest = reference[name.endIndex...]
        guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") else {
            throw Problem(
                text: "'${\(Quoted.shortened(String(reference)))}' is not a variable",
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
