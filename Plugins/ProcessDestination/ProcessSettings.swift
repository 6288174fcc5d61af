package import PouchKit

/// What a partner with `with: process` says in agent.yaml, as it was written.
package struct ProcessSettings: Decodable, Hashable, Sendable {
    /// The plugin's manifest, or the folder it lies in.
    package var plugin: SettingsPath
    package var settings: [String: SettingValue]?
    package var whenTaken: WhenTaken?

    package init(plugin: SettingsPath, settings: [String: SettingValue]? = nil, whenTaken: WhenTaken? = nil) {
        self.plugin = plugin
        self.settings = settings
        self.whenTaken = whenTaken
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case plugin, settings
        case whenTaken = "when-taken"
    }
}
