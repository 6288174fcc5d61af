import FoundationEssentials
import PouchCrypto
import PouchFiles
package import PouchKit

/// All that is wrong with a partner's plugin and its settings.
package struct RefusedPlugin: Error, Hashable {
    package let problems: [SettingsProblem]
}

/// A plugin and its settings, checked without running anything.
package struct PluginPlan: Hashable, Sendable {
    package let manifest: PluginManifest
    package let program: PluginProgram
    let values: [String: PluginValue]
    let secrets: [String: SecretSource]
    let whenTaken: WhenTaken
    /// What is handed on of the agent's environment.
    let environment: [String: String]
    /// `webdav:{"url":"https://dav.example/in"}`: what makes the target this one and no other. Secrets are not in it.
    let target: TargetFingerprint
    /// Where it delivers to, for people.
    let place: String

    /// - Parameters:
    ///   - folder: the manifest's, absolute.
    ///   - base: what relative paths in the settings start from.
    ///   - environment: the agent's.
    /// - Throws: `RefusedPlugin` with all that is wrong, at key paths of the partner's settings.
    package init(
        _ manifest: PluginManifest, in folder: String, settings: ProcessSettings, relativeTo base: String,
        environment: [String: String]
    ) throws(RefusedPlugin) {
        var problems: [SettingsProblem] = []
        self.manifest = manifest
        whenTaken = Self.policy(settings, manifest, &problems)
        do throws(SettingsProblem) { program = try PluginProgram(manifest, in: folder) } catch {
            problems.append(SettingsProblem(at: ["plugin"], error.text, hint: error.hint))
            program = PluginProgram(unchecked: folder)
        }
        (values, secrets) = Self.fields(manifest, settings.settings ?? [:], base, environment, &problems)
        let names = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOME"] + (manifest.environment ?? [])
        self.environment = environment.filter { names.contains($0.key) }
        target = Self.target(manifest, values)
        place = Self.place(manifest, values)
        if !problems.isEmpty { throw RefusedPlugin(problems: problems) }
    }

    var name: AdapterName { manifest.name }

    /// What is tried, for failures.
    func attempt(at file: OutgoingFile, as key: DeliveryKey) -> String {
        "deliver \(file.path) to \(VisibleText.escaped(place)) as \(key)"
    }

    private static func target(_ manifest: PluginManifest, _ values: [String: PluginValue]) -> TargetFingerprint {
        let marked = (manifest.fields ?? [:]).filter { $0.value.target == true }.map(\.key)
        let identifying = marked.isEmpty ? values : values.filter { marked.contains($0.key) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts, whole and finite numbers: nothing in them cannot be encoded.
        let text = (try? encoder.encode(identifying)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return TargetFingerprint("\(manifest.name):\(text)")
    }

    private static func place(_ manifest: PluginManifest, _ values: [String: PluginValue]) -> String {
        let filled = values.reduce(manifest.place ?? "") { $0.replacing("{\($1.key)}", with: $1.value.description) }
        return filled.contains("://") ? filled : "plugin://\(manifest.name)/\(filled)"
    }

    private static func policy(
        _ settings: ProcessSettings, _ manifest: PluginManifest, _ problems: inout [SettingsProblem]
    ) -> WhenTaken {
        guard let wanted = settings.whenTaken else { return manifest.policies.first ?? .suffix }
        if !manifest.policies.contains(wanted) {
            let known = manifest.policies.map(\.rawValue)
            problems.append(
                SettingsProblem(
                    at: ["when-taken"], "the plugin \(manifest.name) has no '\(wanted.rawValue)'",
                    hint: known.isEmpty
                        ? "nothing can be taken at its far end: remove it" : "it has " + known.joined(separator: ", ")))
        }
        return wanted
    }

    private static func fields(
        _ manifest: PluginManifest, _ given: [String: SettingValue], _ base: String, _ environment: [String: String],
        _ problems: inout [SettingsProblem]
    ) -> ([String: PluginValue], [String: SecretSource]) {
        let declared = manifest.fields ?? [:]
        var values: [String: PluginValue] = [:]
        var secrets: [String: SecretSource] = [:]
        for unknown in given.keys.filter({ declared[$0] == nil }).sorted() {
            problems.append(
                SettingsProblem(
                    at: ["settings", unknown], "the plugin \(manifest.name) has no such setting",
                    hint: declared.isEmpty ? "it has none" : "it has " + declared.keys.sorted().joined(separator: ", ")))
        }
        for (name, field) in declared.sorted(by: { $0.key < $1.key }) {
            guard let value = given[name] ?? field.standard else {
                if field.required == true {
                    problems.append(
                        SettingsProblem(at: ["settings"], "'\(name)' is missing", hint: field.description))
                }
                continue
            }
            do throws(SettingsProblem) {
                if field.type == .secret {
                    secrets[name] = try SecretSource(value.secret, in: base, environment: environment)
                } else {
                    values[name] = try field.checked(value, in: base)
                }
            } catch {
                problems.append(
                    SettingsProblem(at: ["settings", name] + error.keyPath, error.text, hint: error.hint ?? field.description))
            }
        }
        return (values, secrets)
    }
}
