import ArgumentParser

/// `pouch plugin`
struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Destinations that you write, in any language.",
        discussion: """
            A plugin is a program that speaks pouch-plugin/1 (docs/plugin-protocol.md) and a manifest beside it; a partner uses it with
              deliver: { with: process, plugin: ./plugins/webdav, settings: { … } }

            Examples:
              pouch plugin new letterbox --language python
              pouch plugin test letterbox
            """,
        subcommands: [PluginNewCommand.self, PluginTestCommand.self]
    )
}
