package import PouchKit

extension PluginManifest {
    /// What is wrong in it that its types do not say.
    package var problems: [SettingsProblem] {
        var problems: [SettingsProblem] = []
        for (name, field) in fields ?? [:] {
            let path = ["fields", name]
            if field.type == .choice, (field.choices ?? []).isEmpty {
                problems.append(SettingsProblem(at: path, "a choice needs choices", hint: "write choices: [a, b]"))
            }
            if field.type != .choice, field.choices != nil {
                problems.append(SettingsProblem(at: path + ["choices"], "only a choice has choices", hint: "write type: choice"))
            }
            guard let standard = field.standard else { continue }
            guard field.type != .secret else {
                problems.append(SettingsProblem(at: path + ["default"], "a secret has no default"))
                continue
            }
            do throws(SettingsProblem) { _ = try field.checked(standard, in: "/") } catch {
                problems.append(SettingsProblem(at: path + ["default"], error.text, hint: error.hint))
            }
        }
        if let silence, silence.milliseconds < 1_000 {
            problems.append(SettingsProblem(at: ["silence"], "expected at least 1s, found \(silence)"))
        }
        for (name, value) in [("processes", limits?.processes), ("open-files", limits?.openFiles)] {
            if let value, value < 1 {
                problems.append(SettingsProblem(at: ["limits", name], "expected at least 1, found \(value)"))
            }
        }
        if let command = command.first, !command.contains("/") {
            problems.append(
                SettingsProblem(
                    at: ["command"], "the command does not begin with a path of the program",
                    hint: "write it from the manifest's folder, as in [./\(name)]"))
        }
        if command.isEmpty { problems.append(SettingsProblem(at: ["command"], "the command is empty", hint: "write [./\(name)]")) }
        return problems
    }
}
