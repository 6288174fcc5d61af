import PouchKit

/// One of the two files that AWS tools share: `~/.aws/config` or `~/.aws/credentials`.
package struct ProfileFile: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Sections are `[default]`, `[profile NAME]`, `[sso-session NAME]`.
        case configuration
        /// Sections are `[NAME]`.
        case credentials
    }

    /// Properties by profile; names of properties are in lower case.
    package private(set) var profiles: [String: [String: String]] = [:]
    package private(set) var ssoSessions: [String: [String: String]] = [:]

    package init() {}

    /// What AWS tools ignore is ignored: sections and properties with names that are none, foreign sections.
    ///
    /// - Throws: `ProfileProblem` when the text has another form.
    package init(_ text: String, as kind: Kind) throws(ProfileProblem) {
        var reader = ProfileReader(kind: kind)
        var number = 0
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            do throws(ProfileReader.Complaint) {
                try reader.read(Substring(content))
            } catch {
                throw ProfileProblem(line: number, text: error.text)
            }
        }
        profiles = reader.profiles
        ssoSessions = reader.ssoSessions
    }

    /// Both files as one; where both have a property, the credentials file wins.
    package func merged(with credentials: ProfileFile) -> ProfileFile {
        var result = self
        for (name, properties) in credentials.profiles {
            result.profiles[name, default: [:]].merge(properties) { $1 }
        }
        return result
    }
}

/// What is wrong in a profile file.
package struct ProfileProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// 1 for the first.
    package let line: Int
    package let text: String

    package var description: String { "line \(line): \(text)" }
}

/// Reads line by line.
private struct ProfileReader {
    struct Complaint: Error { let text: String }

    private enum Section {
        case none
        case ignored
        case profile(String)
        case ssoSession(String)
    }

    private enum Property {
        case none
        case ignored
        /// A property that began with an empty value: what follows are properties of its own.
        case named(String, hasSubproperties: Bool)
    }

    private let kind: ProfileFile.Kind
    private(set) var profiles: [String: [String: String]] = [:]
    private(set) var ssoSessions: [String: [String: String]] = [:]
    private var section = Section.none
    private var property = Property.none
    /// `[profile default]` makes every plain `[default]` count for nothing, wherever it stands.
    private var hasPrefixedDefault = false

    init(kind: ProfileFile.Kind) { self.kind = kind }

    mutating func read(_ line: Substring) throws(Complaint) {
        guard line.contains(where: { !Self.isSpace($0) }), line.first != "#", line.first != ";" else { return }
        if line.first == "[" {
            try begin(line)
        } else if line.first.map(Self.isSpace) == true {
            try continuation(Self.trimmed(line))
        } else {
            try define(line)
        }
    }

    private mutating func begin(_ line: Substring) throws(Complaint) {
        property = .none
        let content = Self.trimmed(line.prefix { $0 != "#" && $0 != ";" })
        guard content.hasSuffix("]") else { throw Complaint(text: "Profile definition must end with ']'") }
        let title = Self.trimmed(content.dropFirst().dropLast())
        section = kind == .credentials ? plainProfile(title) : configurationSection(title)
    }

    private mutating func plainProfile(_ title: Substring) -> Section {
        guard Self.isName(title) else { return .ignored }
        return profile(String(title))
    }

    private mutating func configurationSection(_ title: Substring) -> Section {
        let words = title.split(maxSplits: 1, whereSeparator: Self.isSpace)
        let name = words.count == 2 ? Self.trimmed(words[1]) : ""
        switch words.first {
        case "profile" where Self.isName(name):
            if name == "default", !hasPrefixedDefault {
                hasPrefixedDefault = true
                profiles["default"] = nil
            }
            return profile(String(name))
        case "sso-session" where Self.isName(name):
            ssoSessions[String(name), default: [:]].merge([:]) { $1 }
            return .ssoSession(String(name))
        case "default" where words.count == 1 && !hasPrefixedDefault:
            return profile("default")
        default:
            return .ignored
        }
    }

    private mutating func profile(_ name: String) -> Section {
        profiles[name, default: [:]].merge([:]) { $1 }
        return .profile(name)
    }

    private mutating func define(_ line: Substring) throws(Complaint) {
        if case .none = section { throw Complaint(text: "Expected a profile definition") }
        let content = Self.withoutComment(line)
        guard let equals = content.firstIndex(of: "=") else {
            throw Complaint(text: "Expected an '=' sign defining a property")
        }
        let name = Self.trimmed(content[..<equals])
        guard !name.isEmpty else { throw Complaint(text: "Property did not have a name") }
        guard Self.isName(name) else {
            property = .ignored
            return
        }
        let value = String(Self.trimmed(content[content.index(after: equals)...]))
        property = .named(name.lowercased(), hasSubproperties: value.isEmpty)
        change(name.lowercased()) { $0 = value }
    }

    private mutating func continuation(_ text: Substring) throws(Complaint) {
        switch (section, property) {
        case (.none, _): throw Complaint(text: "Expected a profile definition")
        case (_, .none): throw Complaint(text: "Expected a property definition, found continuation")
        case (_, .ignored): return
        case (_, .named(let name, let hasSubproperties)):
            if hasSubproperties { try checkSubproperty(text) }
            change(name) { $0 += "\n" + text }
        }
    }

    private func checkSubproperty(_ text: Substring) throws(Complaint) {
        guard let equals = text.firstIndex(of: "=") else {
            throw Complaint(text: "Expected an '=' sign defining a sub-property")
        }
        guard !Self.trimmed(text[..<equals]).isEmpty else { throw Complaint(text: "Sub-property did not have a name") }
    }

    private mutating func change(_ property: String, _ body: (inout String) -> Void) {
        switch section {
        case .profile(let name): body(&profiles[name, default: [:]][property, default: ""])
        case .ssoSession(let name): body(&ssoSessions[name, default: [:]][property, default: ""])
        case .none, .ignored: break
        }
    }

    /// A comment after a value needs white space before it: a value may hold `#` and `;`.
    private static func withoutComment(_ line: Substring) -> Substring {
        var previousIsSpace = false
        for index in line.indices {
            if previousIsSpace, line[index] == "#" || line[index] == ";" { return line[..<index] }
            previousIsSpace = isSpace(line[index])
        }
        return line
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0.isLetterOrDigit || "-_/.%@:+".utf8.contains($0) }
    }

    private static func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: isSpace)
        while text.last.map(isSpace) == true { text.removeLast() }
        return text
    }
}
