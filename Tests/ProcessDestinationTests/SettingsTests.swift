import Foundation
import Glibc
import PouchConfiguration
import PouchFiles
import PouchKit
import PouchPluginKit
import PouchTestSupport
import ProcessDestination
import Testing

/// A plugin that nobody runs.
private final class WrittenPlugin: Sendable {
    let folder: TemporaryFolder

    init(_ manifest: String, program: String? = "#!/bin/sh\n", mode: mode_t = 0o755) throws {
        folder = try TemporaryFolder("plugin")
        try folder.write(manifest, to: "plugin.yaml")
        if let program {
            let path = try folder.write(program, to: "run")
            #expect(chmod(path, mode) == 0)
        }
    }

    var messages: String {
        do {
            _ = try PluginFile.read(folder.path)
            return ""
        } catch { return "\(error)".replacing(folder.path + "/", with: "") }
    }

    /// What is wrong with settings, as `key.path: text`.
    func problems(_ settings: [String: SettingValue] = [:], whenTaken: WhenTaken? = nil, environment: [String: String] = [:]) throws
        -> [String]
    {
        let plugin = try PluginFile.read(folder.path)
        let written = ProcessSettings(plugin: try SettingsPath(plugin.path, in: "/"), settings: settings, whenTaken: whenTaken)
        do throws(RefusedPlugin) {
            _ = try PluginPlan(
                plugin.manifest, in: plugin.folder, settings: written, relativeTo: folder.path, environment: environment)
            return []
        } catch {
            return error.problems.map { ($0.keyPath.joined(separator: ".") + ": " + $0.text).replacing(folder.path, with: "") }
        }
    }
}

@Suite("A plugin's manifest and its settings")
struct SettingsTests {
    private static let head = "name: trial\nprotocol: pouch-plugin/1\ncommand: [./run]\n"

    @Test(
        "a mistake in the manifest is told with its place",
        arguments: [
            (
                "protocol: pouch-plugin/2\nname: trial\ncommand: [./run]\n",
                "plugin.yaml:1:11: protocol: expected one of pouch-plugin/1"
            ),
            ("protocol: pouch-plugin/1\ncommand: [./run]\n", "'name' is missing"),
            (head + "colour: red\n", "plugin.yaml:4:1: unknown key 'colour'"),
            (
                head + "fields: { port: { type: number } }\n",
                "expected one of text, integer, boolean, choice, path, size, duration, secret"
            ),
            (head + "fields: { mode: { type: choice } }\n", "a choice needs choices"),
            (
                head + "fields: { port: { type: integer, default: many } }\n",
                "plugin.yaml:4:43: default: expected a whole number"
            ),
            (head + "fields: { key: { type: secret, default: x } }\n", "a secret has no default"),
            (head + "silence: 10ms\n", "expected at least 1s"),
            (head + "limits: { processes: 0 }\n", "expected at least 1, found 0"),
            (head + "sha256: abc\n", "expected 64 hexadecimal digits"),
            ("name: trial\nprotocol: pouch-plugin/1\ncommand: [python3, run]\n", "does not begin with a path of the program"),
        ])
    func wrongManifest(manifest: String, message: String) throws {
        let messages = try WrittenPlugin(manifest).messages
        #expect(messages.contains(message), "\(messages)")
    }

    @Test("JSON is taken as well")
    func json() throws {
        let folder = try TemporaryFolder("plugin")
        try folder.write(
            #"{"name": "trial", "protocol": "pouch-plugin/1", "command": ["./run"], "limits": {"memory": "1 GiB"}}"#,
            to: "plugin.json")
        #expect(try PluginFile.read(folder.path).manifest.limits?.memory == ByteCount(bytes: 1 << 30))
    }

    private static let fields =
        head + """
            when-taken: [fail]
            fields:
              host: { type: text, required: true }
              port: { type: integer, default: 22 }
              safe: { type: boolean }
              mode: { type: choice, choices: [active, passive] }
              keys: { type: path }
              size: { type: size }
              wait: { type: duration }
              token: { type: secret }
            """

    @Test("a mistake in the settings is told by its key path, all at once")
    func wrongSettings() throws {
        let plugin = try WrittenPlugin(Self.fields)
        let problems = try plugin.problems(
            [
                "port": SettingValue(text: "many"), "safe": SettingValue(text: "yes"), "mode": SettingValue(text: "half"),
                "keys": SettingValue(text: "~/keys"), "size": SettingValue(text: "5"), "wait": SettingValue(text: "soon"),
                "token": SettingValue(text: "inline"), "prot": SettingValue(text: "1"),
            ], whenTaken: .replace)
        #expect(
            problems == [
                "when-taken: the plugin trial has no 'replace'", "settings.prot: the plugin trial has no such setting",
                "settings: 'host' is missing", "settings.keys: '~/keys' begins with '~', which only a shell understands",
                "settings.mode: expected one of active, passive, found 'half'",
                "settings.port: expected a whole number, found 'many'",
                "settings.safe: expected true or false, found 'yes'", "settings.token: a secret must not stand in this file",
                "settings.wait: expected a time such as 5s, 10m or 30d, found 'soon'",
            ])
    }

    @Test("a secret comes from a file that not everybody can read, or from the environment")
    func secrets() throws {
        let plugin = try WrittenPlugin(Self.fields)
        let host = ["host": SettingValue(text: "h")]
        let path = try plugin.folder.write("s3cret\n", to: "token")
        let settings = host.merging(["token": SettingValue(secretFile: path)]) { $1 }
        #expect(chmod(path, 0o604) == 0)
        #expect(try plugin.problems(settings) == ["settings.token.file: the secret in '/token' is open to everybody"])
        #expect(chmod(path, 0o600) == 0)
        #expect(try plugin.problems(settings) == [])
        let variable = host.merging(["token": SettingValue(secretVariable: "TOKEN")]) { $1 }
        #expect(try plugin.problems(variable) == ["settings.token.environment: the variable TOKEN is not set, or empty"])
        #expect(try plugin.problems(variable, environment: ["TOKEN": "x"]) == [])
    }

    @Test("a program that is not what it was, or that others may change, is not run")
    func program() throws {
        #expect(try WrittenPlugin(Self.head, program: nil).problems()[0].contains("cannot be run: could not open /run"))
        #expect(try WrittenPlugin(Self.head, mode: 0o644).problems() == ["plugin: /run is not executable"])
        #expect(try WrittenPlugin(Self.head, mode: 0o775).problems() == ["plugin: /run may be written by others than its owner"])
        let pin = "sha256: \"\(SeenObject(Array("#!/bin/sh\n".utf8)).sha256)\"\n"
        #expect(try WrittenPlugin(Self.head + pin).problems() == [])
        let changed = try WrittenPlugin(Self.head + pin, program: "#!/bin/sh\nrm\n").problems()
        #expect(changed[0].contains("is not the program that its manifest pins"))
    }

    @Test("only what identifies the target makes its fingerprint, and secrets never do")
    func fingerprint() throws {
        func target(_ fields: String, _ settings: [String: SettingValue]) throws -> String {
            let plugin = try WrittenPlugin(Self.head + "place: \"dav://{host}/in\"\nfields: \(fields)\n")
            let file = try PluginFile.read(plugin.folder.path)
            let plan = try PluginPlan(
                file.manifest, in: file.folder,
                settings: ProcessSettings(plugin: SettingsPath(file.path, in: "/"), settings: settings),
                relativeTo: "/", environment: ["T": "canary"])
            let traits = ProcessDestination(plan).traits
            #expect(traits.stages.map(\.place) == ["dav://h/in"])
            return traits.target.description
        }
        let settings = [
            "host": SettingValue(text: "h"), "wait": SettingValue(text: "5s"), "token": SettingValue(secretVariable: "T"),
        ]
        let all = "{ host: { type: text }, wait: { type: duration }, token: { type: secret } }"
        #expect(try target(all, settings) == #"trial:{"host":"h","wait":5}"#)
        let marked = all.replacing("type: text", with: "type: text, target: true")
        #expect(try target(marked, settings) == #"trial:{"host":"h"}"#)
    }
}
