import PouchKit

/// A program and its arguments, as a list: no shell is between.
struct ProgramLine: Decodable {
    /// The program by its absolute path.
    let words: [String]

    init(from decoder: any Decoder) throws {
        let written = try decoder.singleValueContainer().decode([String].self)
        let folder = decoder.userInfo[.settingsFolder] as? String ?? "/"
        guard let program = written.first else {
            throw SettingsProblem(at: [], "expected a program and its arguments, found an empty list")
        }
        guard program.contains("/") else {
            throw SettingsProblem(
                at: ["0"], "expected the path of a program, found '\(Quoted.shortened(program))'",
                hint: "no search path is used: write /usr/bin/\(Quoted.shortened(program)), or wherever it is")
        }
        words = [try SettingsPath(program, in: folder).absolute] + written.dropFirst()
    }
}
