import Glibc
import PouchKit

/// Reads `agent.yaml`.
package enum ConfigurationFile {
    /// A configuration only when there is no error; warnings may stand beside it.
    package struct Outcome: Sendable {
        package let configuration: AgentConfiguration?
        /// In the order of the file.
        package let problems: [ConfigurationProblem]

        package var errors: [ConfigurationProblem] { problems.filter { $0.severity == .error } }
    }

    /// Reads and checks a file; all that is wrong with it comes back at once.
    ///
    /// - Parameters:
    ///   - path: as the operator named it; messages begin with it. Relative paths in the file start from its folder.
    ///   - environment: for `${NAME}`; nothing else is read from it.
    ///   - hostName: the name of an agent that has no other; that of this machine when `nil`.
    ///   - checksOwnership: whether a file that others can change is an error.
    ///   - checks: what only other modules can check. Called once unless the file is not YAML, with the parts that are sound.
    package static func load(
        path: String,
        environment: [String: String],
        hostName: String? = nil,
        checksOwnership: Bool = true,
        checks: (SoundParts) -> [ConfigurationProblem] = { _ in [] }
    ) -> Outcome {
        let file: FileOnDisk
        do throws(FileOnDisk.Problem) {
            file = try FileOnDisk.read(path, atMost: YAMLText.largestFile)
        } catch {
            let problem = ConfigurationProblem(file: path, mark: nil, error.text, hint: error.hint)
            return Outcome(configuration: nil, problems: [problem])
        }
        let ownership = checksOwnership ? file.ownershipProblems(path: path) : []
        let outcome = read(
            file.bytes, named: path, at: FileOnDisk.absolute(path), environment: environment,
            hostName: hostName ?? FileOnDisk.hostName(), checks: checks)
        return Outcome(
            configuration: ownership.isEmpty ? outcome.configuration : nil,
            problems: ConfigurationProblem.inOrder(ownership + outcome.problems))
    }

    /// The same for a text that was read already.
    ///
    /// - Parameter path: the absolute path that the text is, or would be, kept at.
    package static func read(
        _ bytes: [UInt8],
        named file: String,
        at path: String,
        environment: [String: String],
        hostName: String,
        checks: (SoundParts) -> [ConfigurationProblem] = { _ in [] }
    ) -> Outcome {
        let (root, found) = Composer.compose(bytes, environment: environment)
        var problems = found.map { LocatedProblem(at: $0.mark, $0.text, hint: $0.hint) }
        guard let root else { return outcome(nil, problems, file) }

        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let decoder = SettingsDecoder(file: file, folder: folder.isEmpty ? "/" : folder)
        let record = DecodingRecord(
            path: [], userInfo: [.settingsFolder: folder.isEmpty ? "/" : folder, .hostName: hostName])
        let draft: Draft?
        do throws(Abandoned) { draft = try record.decode(Draft.self, from: root, at: []) } catch { draft = nil }

        let secrets = InlineSecrets.find(in: root)
        let secretMarks = Set(secrets.map(\.mark))
        // That nobody asked for a secret is beside the point.
        problems += secrets + record.finish().filter { !secretMarks.contains($0.mark) }
        guard let draft else { return outcome(nil, problems, file) }
        problems += CrossChecks(draft: draft, root: root, resolve: RealPath.resolve).problems()
        let parts = SoundParts(draft, root: root, decoder: decoder)
        let configuration = AgentConfiguration(draft, file: path, decoder: decoder)
        return outcome(configuration, problems, file, further: checks(parts))
    }

    /// More than anybody reads at once.
    private static let mostProblems = 100

    private static func outcome(
        _ configuration: AgentConfiguration?,
        _ problems: [LocatedProblem],
        _ file: String,
        further: [ConfigurationProblem] = []
    ) -> Outcome {
        let all = ConfigurationProblem.inOrder(problems.map { $0.inFile(file) } + further)
        let isSound = !all.contains { $0.severity == .error }
        guard all.count > mostProblems else { return Outcome(configuration: isSound ? configuration : nil, problems: all) }
        let rest = ConfigurationProblem(
            isSound ? .warning : .error, file: file, mark: nil, "\(all.count - mostProblems) more problems are not shown")
        return Outcome(configuration: isSound ? configuration : nil, problems: all.prefix(mostProblems) + [rest])
    }
}

extension SoundParts {
    fileprivate init(_ draft: Draft, root: ConfigurationNode, decoder: SettingsDecoder) {
        self.init(
            decoder: decoder, network: draft.network, aws: draft.aws, identities: draft.identitiesByName, partners: draft.partners,
            folders: draft.folders, routes: draft.routes, publish: draft.publish,
            isPublisherOnly: ["folders", "routes"].allSatisfy { root.mapping?[$0] == nil },
            meanings: Self.meanings(of: draft.partners.map(\.name.value), in: root))
    }

    private static func meanings(of partners: [PartnerName], in root: ConfigurationNode) -> [PartnerName: String] {
        let shared = ["identities", "aws", "network"].map { root.node(at: [$0])?.meaning ?? "" }
        return Dictionary(
            partners.map { name in
                (name, ([root.node(at: ["partners", name.description])?.meaning ?? ""] + shared).joined(separator: "\n"))
            }, uniquingKeysWith: { first, _ in first })
    }
}

extension AgentConfiguration {
    /// `nil` when the draft has no agent, which is a problem of its own.
    fileprivate init?(_ draft: Draft, file: String, decoder: SettingsDecoder) {
        guard let agent = draft.agent else { return nil }
        self.init(
            file: file, decoder: decoder, agent: agent, network: draft.network, alerts: draft.alerts, aws: draft.aws,
            identities: draft.identitiesByName, partners: draft.partners, folders: draft.folders, routes: draft.routes,
            unmatched: draft.unmatched, publish: draft.publish)
    }
}

extension Draft {
    fileprivate var identitiesByName: [IdentityName: Located<IdentitySettings>] {
        Dictionary(
            identities.map { ($0.name.value, Located($0.settings.value, at: $0.name.mark)) },
            uniquingKeysWith: { first, _ in first })
    }
}
