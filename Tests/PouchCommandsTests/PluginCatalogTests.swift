import Glibc
import PouchAgent
import PouchCommands
import PouchConfiguration
import PouchKit
import PouchTestSupport
import Testing

@Suite("a partner behind a plugin, in agent.yaml")
struct PluginCatalogTests {
    private func written(
        _ deliver: String,
        manifest: String =
            "name: trial\nprotocol: pouch-plugin/1\ncommand: [./run]\nfields: { port: { type: integer, required: true } }\n"
    ) throws -> WrittenConfiguration {
        let configuration = try WrittenConfiguration("partners:\n  acme:\n    deliver: { with: process, \(deliver) }")
        try configuration.folder.write(manifest, to: "trial/plugin.yaml")
        let program = try configuration.folder.write("#!/bin/sh\n", to: "trial/run")
        #expect(chmod(program, 0o755) == 0)
        return configuration
    }

    @Test("is checked without running anything; what is not pinned is warned of")
    func sound() throws {
        let configuration = try written("plugin: ./trial, settings: { port: 22 }")
        let (blueprint, problems) = configuration.load()
        #expect(blueprint?.plan.partners.first?.destination.traits.stages.first?.place == "plugin://trial/")
        #expect(problems.map(\.severity) == [.warning])
        #expect(configuration.messages.contains("agent.yaml:3:39: warning: plugin: the manifest of trial does not pin its program"))
    }

    @Test(
        "a mistake is told where it stands",
        arguments: [
            ("plugin: ./other", "agent.yaml:3:39: plugin: "),
            ("plugin: ./trial, settings: { port: many }", "agent.yaml:3:66: port: expected a whole number, found 'many'"),
            ("plugin: ./trial, settings: { prot: 22 }", "agent.yaml:3:66: prot: the plugin trial has no such setting"),
            ("plugin: ./trial", "'port' is missing"), ("settings: {}", "'plugin' is missing"),
            ("plugin: ./trial, settings: { port: 22 }, when-taken: fail", "when-taken: the plugin trial has no 'fail'"),
        ])
    func mistakes(deliver: String, message: String) throws {
        let messages = try written(deliver).messages
        #expect(messages.contains(message), "\(messages)")
    }

    @Test("a mistake in the manifest is told with the manifest's own lines")
    func wrongManifest() throws {
        let messages = try written("plugin: ./trial", manifest: "name: trial\nprotocol: pouch-plugin/9\ncommand: [./run]\n")
            .messages
        #expect(messages.contains("trial/plugin.yaml:2:11: protocol: expected one of pouch-plugin/1"), "\(messages)")
    }
}
