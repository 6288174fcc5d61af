package import PouchKit

/// A secret that stands alone in a file: a password, `user:password`.
package enum SecretFile {
    private static let longest = 64 << 10

    /// The first line of the file.
    ///
    /// - Throws: `SettingsProblem` when the file cannot be read, is no regular file, is empty, or is open to everybody.
    package static func read(_ path: String) throws(SettingsProblem) -> Secret {
        let name = Quoted.shortened(path)
        let file: FileOnDisk
        do throws(FileOnDisk.Problem) {
            file = try FileOnDisk.read(path, atMost: longest)
        } catch {
            throw SettingsProblem(
                at: [], "the secret in '\(name)' cannot be used: the file \(error.text)", isShortage: error.isShortage)
        }
        guard !file.isOpenToEverybody else {
            throw SettingsProblem(
                at: [], "the secret in '\(name)' is open to everybody", hint: "chmod o= \(FileOnDisk.quoted(path))")
        }
        let line = file.bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let text = String(validating: line, as: UTF8.self), !text.isEmpty else {
            throw SettingsProblem(at: [], "the first line of '\(name)' is no secret: it is empty or not text")
        }
        return Secret(text)
    }
}
