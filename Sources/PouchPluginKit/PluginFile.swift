import Glibc
import PouchConfiguration
import PouchFiles
package import PouchKit
package import ProcessDestination

/// A plugin's manifest on disk, read with the messages of agent.yaml: file, line, column, fix.
package struct PluginFile: Sendable {
    private static let names = ["plugin.yaml", "plugin.yml", "plugin.json"]
    private static let longest = 256 << 10

    /// Absolute.
    package let path: String
    package let manifest: PluginManifest

    /// Where the manifest lies: relative paths in it start there.
    package var folder: String { Self.folder(of: path) }

    /// - Parameter path: absolute; the manifest, in YAML or JSON, or its folder.
    /// - Throws: `SettingsProblem` when there is none to be read; `ConfigurationProblems` for what is wrong in it.
    package static func read(_ path: String) throws -> PluginFile {
        let place = try find(path)
        let bytes: [UInt8]
        do throws(FileProblem) {
            let file = try OpenFile.open(place)
            try demandTrusted(file.status(), place)
            let folder = try DirectoryHandle.open(Self.folder(of: place))
            try demandTrusted(folder.status(), folder.path)
            bytes = try file.readAll(limit: longest)
        } catch {
            throw SettingsProblem(at: [], "the plugin's manifest cannot be used: \(error)", hint: "name plugin.yaml, or its folder")
        }
        let root = try ConfigurationNode.read(bytes, named: place)
        let decoder = SettingsDecoder(file: place, folder: folder(of: place))
        let manifest = try decoder.decode(PluginManifest.self, from: root)
        let problems = manifest.problems.map { decoder.locate($0, in: root) }
        guard problems.isEmpty else { throw ConfigurationProblems(problems: problems) }
        return PluginFile(path: place, manifest: manifest)
    }

    /// The SHA-256 of its program; `nil` when it cannot be read.
    package var programDigest: SHA256Digest? {
        guard let command = manifest.command.first, let path = try? SettingsPath(command, in: folder) else { return nil }
        return try? PluginProgram.digest(of: path.absolute)
    }

    private static func folder(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

    /// It names a program and its arguments: whoever can write it runs what they like as the agent's user.
    private static func demandTrusted(_ status: FileStatus, _ path: String) throws(FileProblem) {
        guard status.mode & 0o022 == 0 else {
            throw FileProblem(operation: "trust, since others may write to it,", path: path, errno: EPERM)
        }
        guard status.owner == 0 || status.owner == geteuid() else {
            throw FileProblem(
                operation:
                    "trust, since it belongs to user \(status.owner), not to root or to the user of the agent (\(geteuid())),",
                path: path, errno: EPERM)
        }
    }

    private static func find(_ path: String) throws(SettingsProblem) -> String {
        guard let folder = try? DirectoryHandle.open(path) else { return path }
        guard let name = names.first(where: { (try? folder.status(of: Array($0.utf8)).isRegular) == true }) else {
            throw SettingsProblem(
                at: [], "there is no plugin in \(VisibleText.escaped(path))", hint: "it has a manifest called \(names[0])")
        }
        return path.hasSuffix("/") ? path + name : path + "/" + name
    }
}
