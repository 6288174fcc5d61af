extension CodingUserInfoKey {
    /// The absolute path of the folder that relative paths in settings start from.
    public static let settingsFolder = CodingUserInfoKey(rawValue: "pouch.settings-folder")!
}

/// A path in an adapter's settings. A relative one starts from the folder of the file that it is written in.
public struct SettingsPath: Hashable, Sendable, Decodable, CustomStringConvertible {
    /// As the operator wrote it.
    public let written: String
    /// Absolute. Symbolic links and `..` are left to the kernel.
    public let absolute: String

    /// - Parameter folder: absolute.
    /// - Throws: `SettingsProblem` when the path is empty, contains NUL, or begins with `~`, which only a shell understands.
    public init(_ written: String, in folder: String) throws(SettingsProblem) {
        guard !written.isEmpty else { throw SettingsProblem(at: [], "expected a path, found an empty text") }
        guard !written.utf8.contains(0) else {
            throw SettingsProblem(at: [], "expected a path, found '\(VisibleText.escaped(written))'")
        }
        guard written != "~", !written.hasPrefix("~/") else {
            throw SettingsProblem(
                at: [], "'\(VisibleText.escaped(written))' begins with '~', which only a shell understands",
                hint: "write the whole path, or ${HOME}\(written.dropFirst())")
        }
        self.written = written
        let joined = written.hasPrefix("/") ? written : folder + "/" + written
        let parts = joined.split(separator: "/").filter { $0 != "." }
        absolute = "/" + parts.joined(separator: "/")
    }

    /// - Throws: `SettingsProblem`; also when the path is relative and the decoder's `userInfo` has no `settingsFolder`.
    public init(from decoder: any Decoder) throws {
        let written = try decoder.singleValueContainer().decode(String.self)
        let folder = decoder.userInfo[.settingsFolder] as? String
        guard written.hasPrefix("/") || folder != nil else {
            throw SettingsProblem(at: [], "expected an absolute path, found '\(VisibleText.escaped(written))'")
        }
        try self.init(written, in: folder ?? "/")
    }

    public var description: String { absolute }
}
