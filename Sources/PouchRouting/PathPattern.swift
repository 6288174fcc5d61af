package import PouchKit

/// Which drops a route takes, by their path in the drop folder: `reports/**/{region}-*.csv`.
///
/// A pattern is written in parts between slashes. In a part:
///
/// | written | takes |
/// |---|---|
/// | `*` | any characters, also none |
/// | `?` | one character |
/// | `[a-z]`, `[!a-z]` | one character of the set, one that is not in it |
/// | `{region}` | at least one character, as few as possible, under a name for the key template |
/// | `\*` | the character itself |
///
/// A part `**` takes any number of parts, also none; at the end of a pattern at least one: `reports/**` is what lies in
/// `reports`. A character is a Unicode scalar, or a single byte where the name is not UTF-8. Letters of different case are
/// different characters, and so are the composed and the decomposed form of an umlaut.
package struct PathPattern: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    package let description: String
    private let parts: PartsPattern

    /// Takes every path.
    package static let everything = PathPattern(description: "**", parts: PartsPattern(groups: [[], []]))

    /// - Throws: `PatternError` for what can match no path (`..`, an empty part, a leading slash), for what is unfinished,
    ///   and for what says less than it seems to: `{a,b}`, `a**`, two wildcards side by side.
    package init(_ text: String) throws(PatternError) {
        var parser = PatternParser(text, rules: PatternParser.Rules(permitsCaptures: true, permitsParent: false))
        parts = try parser.parse()
        description = text
    }

    private init(description: String, parts: PartsPattern) {
        self.description = description
        self.parts = parts
    }

    /// The names in braces, in the order in which they appear.
    package var captureNames: [String] { parts.captureNames }

    /// What the captures took, in the order in which they appear; `nil` when the path does not match.
    package func match(_ path: DropPath) -> [Capture]? { parts.match(Self.characters(of: path)) }

    /// Why the path does not match, for people: "the last part must end in '.csv'"; `nil` when it does.
    package func objection(to path: DropPath) -> String? { parts.objection(to: Self.characters(of: path)) }

    private static func characters(of path: DropPath) -> [NameCharacters] {
        path.bytes.split(separator: UInt8(ascii: "/")).map { NameCharacters($0) }
    }
}

/// Which watched folders a route looks at, by the path that the configuration gives them. Written as a `PathPattern`,
/// without captures, and absolute where the folder's path is.
///
/// `./drop`, `drop` and `drop/` are the same folder.
package struct Glob: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    package let description: String
    private let isAbsolute: Bool
    private let parts: PartsPattern

    /// - Throws: `PatternError`.
    package init(_ text: String) throws(PatternError) {
        var body = text
        while body.count > 1, body.hasSuffix("/"), !body.hasSuffix("\\/") { body.removeLast() }
        let start = body.hasPrefix("/") ? 1 : body.hasPrefix("./") ? 2 : 0
        isAbsolute = body.hasPrefix("/")
        description = text
        guard body != ".", body != "./", body != "/" else {
            parts = PartsPattern(groups: [[]])
            return
        }
        var parser = PatternParser(body, from: start, rules: PatternParser.Rules(permitsCaptures: false, permitsParent: true))
        parts = try parser.parse()
    }

    package func matches(_ folder: String) -> Bool {
        guard folder.hasPrefix("/") == isAbsolute || parts.beginsWithAnyParts else { return false }
        let names = folder.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
        return parts.match(names.map { NameCharacters($0) }) != nil
    }
}
