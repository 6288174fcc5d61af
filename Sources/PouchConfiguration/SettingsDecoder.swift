package import PouchKit

/// All that is wrong with some settings; never empty.
package struct ConfigurationProblems: Error, Hashable, Sendable, CustomStringConvertible {
    package let problems: [ConfigurationProblem]

    package init(problems: [ConfigurationProblem]) { self.problems = problems }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Decodes any `Decodable` from a node, and finds all that is wrong with it in one go where it can.
///
/// A value that is missing or wrong is noted and another one put in its place, so that decoding goes on; what was made up
/// that way never leaves the decoder. Keys that the type did not ask for are errors.
///
/// A type that takes several forms tries them with its single value container: that one throws and notes nothing. A type
/// that throws a `SettingsProblem` has it reported at the key path in it.
package struct SettingsDecoder: Hashable, Sendable {
    /// The name of the file in messages.
    package let file: String
    /// The absolute path that relative paths start from.
    package let folder: String

    package init(file: String, folder: String) {
        self.file = file
        self.folder = folder
    }

    /// - Parameter path: where the node stands in the file, for messages that name what is incomplete.
    /// - Throws: `ConfigurationProblems`, in the order of the file.
    package func decode<Settings: Decodable>(
        _ type: Settings.Type,
        from node: ConfigurationNode,
        at path: [String] = []
    ) throws(ConfigurationProblems) -> Settings {
        let record = DecodingRecord(path: path, userInfo: [.settingsFolder: folder])
        let settings: Settings?
        do throws(Abandoned) { settings = try record.decode(type, from: node, at: []) } catch { settings = nil }
        let problems = ConfigurationProblem.inOrder(record.finish().map { $0.inFile(file) })
        guard problems.isEmpty, let settings else { throw ConfigurationProblems(problems: problems) }
        return settings
    }

    /// Points at what a settings problem is about: the value at its key path, or the deepest one on the way that exists.
    package func locate(
        _ problem: SettingsProblem,
        in node: ConfigurationNode,
        severity: ConfigurationProblem.Severity = .error
    ) -> ConfigurationProblem {
        ConfigurationProblem(
            severity,
            file: file,
            mark: node.mark(at: problem.keyPath),
            LocatedProblem.label(of: problem.keyPath) + problem.text,
            hint: problem.hint)
    }

    /// The same for what is not a `SettingsProblem` yet.
    package func problem(
        at keyPath: [String],
        _ text: String,
        hint: String? = nil,
        in node: ConfigurationNode
    ) -> ConfigurationProblem {
        locate(SettingsProblem(at: keyPath, text, hint: hint), in: node)
    }

    /// A problem of a located value.
    package func problem(
        _ severity: ConfigurationProblem.Severity = .error,
        at mark: Mark,
        _ text: String,
        hint: String? = nil
    ) -> ConfigurationProblem {
        ConfigurationProblem(severity, file: file, mark: mark, text, hint: hint)
    }
}

extension ConfigurationNode {
    /// The one document of a YAML text.
    ///
    /// - Parameter environment: for `${NAME}` in values; `nil` leaves them as they are.
    /// - Throws: `ConfigurationProblems` for what is not YAML, for duplicate keys and unknown variables, and for what goes
    ///   beyond 4 MiB, 100,000 values (aliases counted in full) or 100 levels.
    package static func read(
        _ bytes: [UInt8],
        named file: String,
        environment: [String: String]? = nil
    ) throws(ConfigurationProblems) -> ConfigurationNode {
        let (root, found) = Composer.compose(bytes, environment: environment)
        let problems = found.map { ConfigurationProblem(file: file, mark: $0.mark, $0.text, hint: $0.hint) }
        guard problems.isEmpty, let root else {
            throw ConfigurationProblems(problems: ConfigurationProblem.inOrder(problems))
        }
        return root
    }
}

/// A problem before it is known what the file is called.
struct LocatedProblem {
    let severity: ConfigurationProblem.Severity
    let mark: Mark
    let text: String
    let hint: String?

    init(_ severity: ConfigurationProblem.Severity = .error, at mark: Mark, _ text: String, hint: String? = nil) {
        self.severity = severity
        self.mark = mark
        self.text = text
        self.hint = hint
    }

    func inFile(_ file: String) -> ConfigurationProblem {
        ConfigurationProblem(severity, file: file, mark: mark, text, hint: hint)
    }

    /// `at-once: `, also for an element of a list of that name; empty for an empty path.
    static func label(of keyPath: [String]) -> String {
        keyPath.last { Int($0) == nil }.map { Quoted.shortened($0) + ": " } ?? ""
    }
}
