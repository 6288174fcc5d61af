import PouchFiles
import PouchKit

/// Where a plugin's secret is read from, each time the plugin starts.
enum SecretSource: Hashable, Sendable {
    case file(String)
    case value(Secret)

    private static let longest = 64 << 10

    init(_ place: SecretPlace?, in folder: String, environment: [String: String]) throws(SettingsProblem) {
        switch (place?.file, place?.environment) {
        case (let file?, nil): self = .file(try SettingsPath(file, in: folder).absolute)
        case (nil, let name?):
            guard let value = environment[name], !value.isEmpty else {
                throw SettingsProblem(at: ["environment"], "the variable \(VisibleText.escaped(name)) is not set, or empty")
            }
            self = .value(Secret(value))
        default:
            throw SettingsProblem(
                at: [], "a secret must not stand in this file", hint: "write { file: PATH } or { environment: NAME }")
        }
        _ = try read()
    }

    /// The first line of the file.
    ///
    /// - Throws: `SettingsProblem` when it cannot be read, is empty, or is open to everybody.
    func read() throws(SettingsProblem) -> Secret {
        switch self {
        case .value(let secret): return secret
        case .file(let path):
            let name = VisibleText.escaped(path)
            let (mode, bytes): (UInt16, [UInt8])
            do throws(FileProblem) {
                let file = try OpenFile.open(path)
                (mode, bytes) = (try file.status().mode, try file.readAll(limit: Self.longest))
            } catch {
                throw SettingsProblem(at: ["file"], "the secret cannot be used: \(error)", isShortage: error.isExhausted)
            }
            guard mode & 0o006 == 0 else {
                throw SettingsProblem(at: ["file"], "the secret in '\(name)' is open to everybody", hint: "chmod o= '\(name)'")
            }
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            guard let text = String(validating: line, as: UTF8.self), !text.isEmpty else {
                throw SettingsProblem(at: ["file"], "the first line of '\(name)' is no secret: it is empty or not text")
            }
            return Secret(text)
        }
    }
}
