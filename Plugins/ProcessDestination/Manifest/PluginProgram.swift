import Glibc
import PouchCrypto
import PouchFiles
package import PouchKit

/// The file that a plugin's manifest names, and that nobody but the agent's user and root can have changed.
package struct PluginProgram: Hashable, Sendable {
    package let path: String
    let folder: String
    let arguments: [String]
    let pin: SHA256Digest?

    init(unchecked folder: String) {
        self.folder = folder
        (path, arguments, pin) = ("", [], nil)
    }

    /// - Throws: `SettingsProblem` when the program cannot be run, when others may write to it, and when it is another than the pin says.
    init(_ manifest: PluginManifest, in folder: String) throws(SettingsProblem) {
        guard let written = manifest.command.first, written.contains("/") else {
            throw SettingsProblem(
                at: [], "the manifest's command does not begin with a path of the program",
                hint: "write it from the manifest's folder, as in [./\(manifest.name)]")
        }
        path = try SettingsPath(written, in: folder).absolute
        self.folder = folder
        arguments = Array(manifest.command.dropFirst())
        pin = manifest.sha256
        try verify()
    }

    /// Looks again; called before each start.
    func verify() throws(SettingsProblem) {
        let name = VisibleText.escaped(path)
        let status: FileStatus
        do throws(FileProblem) { status = try OpenFile.open(path).status() } catch {
            throw SettingsProblem(
                at: [], "the program of the plugin cannot be run: \(error)", hint: "is it built?", isShortage: error.isExhausted)
        }
        guard status.mode & 0o111 != 0 else {
            throw SettingsProblem(at: [], "\(name) is not executable", hint: "chmod +x '\(name)'")
        }
        guard status.mode & 0o022 == 0 else {
            throw SettingsProblem(at: [], "\(name) may be written by others than its owner", hint: "chmod go-w '\(name)'")
        }
        guard status.owner == 0 || status.owner == geteuid() else {
            throw SettingsProblem(
                at: [], "\(name) belongs to user \(status.owner), not to root or to the user of the agent (\(geteuid()))")
        }
        guard let pin else { return }
        let found = try digest()
        guard found == pin else {
            throw SettingsProblem(
                at: [], "\(name) is not the program that its manifest pins: its SHA-256 is \(found), and \(pin) was expected",
                hint: "when the change was meant, write the new one into the manifest")
        }
    }

    package func digest() throws(SettingsProblem) -> SHA256Digest { try Self.digest(of: path) }

    package static func digest(of path: String) throws(SettingsProblem) -> SHA256Digest {
        let text = "the program of the plugin cannot be read: "
        let file: SharedFile
        let size: Int64
        do throws(FileProblem) {
            file = try OpenFile.open(path).shared()
            size = try file.status().size
        } catch {
            throw SettingsProblem(at: [], text + "\(error)", isShortage: error.isExhausted)
        }
        do throws(FileHashFailure) { return try FileHasher.digests(ofFile: file.descriptor, size: size).sha256 } catch {
            throw SettingsProblem(at: [], text + "\(error)")
        }
    }
}
