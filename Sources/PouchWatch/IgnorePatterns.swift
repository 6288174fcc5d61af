package import PouchKit

/// Which names in a drop folder are no drops: the usual temporary names, and what the operator adds.
///
/// The last pattern that matches decides. `!pattern` takes a name in again; when it is one of the defaults word for word, that
/// default is switched off, so that `!.*` lets dot-files in without letting rsync's temporary files in.
package struct IgnorePatterns: Hashable, Sendable {
    /// Our own claims: never entered, never reported, and nothing can take it in again.
    static let claimRoot = Array(".pouch".utf8)

    /// What programs call a file that they have not finished (browsers, rsync, SFTP clients, editors, office suites), and hidden files.
    package static let defaults = [
        "*.part", "*.partial", "*.tmp", "*.temp", "*.filepart", "*.crdownload", "*.swp", "*.swx", "*~", ".~lock*", "~$*",
        ".?*.[0-9A-Za-z][0-9A-Za-z][0-9A-Za-z][0-9A-Za-z][0-9A-Za-z][0-9A-Za-z]", ".*",
    ]

    private struct Rule: Hashable {
        let pattern: NamePattern
        let takesIn: Bool
        let isDefault: Bool
    }

    private let rules: [Rule]

    /// The defaults alone.
    package init() { rules = Self.defaultRules(without: []) }

    /// The defaults, then the operator's own.
    ///
    /// - Throws: `NameError` that names the pattern which is none.
    package init(_ patterns: [String]) throws(NameError) {
        let takenIn = patterns.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
        var own: [Rule] = []
        for text in patterns {
            let takesIn = text.hasPrefix("!")
            let pattern = try NamePattern(takesIn ? String(text.dropFirst()) : text)
            // The default it names is left out; to match it as well would take in what the other defaults keep out.
            if takesIn, Self.defaults.contains(String(text.dropFirst())) { continue }
            own.append(Rule(pattern: pattern, takesIn: takesIn, isDefault: false))
        }
        rules = Self.defaultRules(without: takenIn) + own
    }

    /// Why the file or folder is not taken; `nil` when it is.
    package func reason(for path: DropPath, isFolder: Bool = false) -> String? {
        guard let rule = rules.last(where: { $0.pattern.matches(path, isFolder: isFolder) }), !rule.takesIn else { return nil }
        return rule.isDefault ? "a temporary or hidden name (\(rule.pattern))" : "matches ignore: \(rule.pattern)"
    }

    private static func defaultRules(without takenIn: [String]) -> [Rule] {
        defaults.filter { !takenIn.contains($0) }.compactMap { text in
            // The texts above are patterns; the tests hold each of them to it.
            guard let pattern = try? NamePattern(text) else { return nil }
            return Rule(pattern: pattern, takesIn: false, isDefault: true)
        }
    }
}
