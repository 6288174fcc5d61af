import PouchFiles
package import PouchKit

/// What a partner with `with: local` says in agent.yaml, as it was written.
package struct LocalSettings: Decodable, Hashable, Sendable {
    package var path: String
    package var whenTaken: String?
    package var mode: String?
    package var owner: String?
    package var createFolders: Bool?
    package var mount: String?
    package var sidecar: String?
    package var fsync: Bool?

    package init(
        path: String, whenTaken: String? = nil, mode: String? = nil, owner: String? = nil, createFolders: Bool? = nil,
        mount: String? = nil, sidecar: String? = nil, fsync: Bool? = nil
    ) {
        self.path = path
        self.whenTaken = whenTaken
        self.mode = mode
        self.owner = owner
        self.createFolders = createFolders
        self.mount = mount
        self.sidecar = sidecar
        self.fsync = fsync
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case path, mode, owner, mount, sidecar, fsync
        case whenTaken = "when-taken"
        case createFolders = "create-folders"
    }
}

/// All that is wrong with the settings.
package struct RefusedSettings: Error, Hashable {
    package let problems: [SettingsProblem]
}

/// The settings, checked.
struct LocalPlan: Hashable, Sendable {
    /// Absolute.
    let path: String
    let whenTaken: WhenTaken
    let mode: UInt16
    let owner: FileOwner?
    let createsFolders: Bool
    /// The mount point that the folder lies on, absolute. Without it, what is written when the share is away ends on this machine's disk.
    let mount: String?
    let sidecar: Sidecar?
    /// False: nothing waits for the disk, and nothing is promised of a power cut.
    let isSynced: Bool

    var folderMode: UInt16 { FileMode.ofFolders(for: mode) }

    init(_ settings: LocalSettings, relativeTo base: String) throws(RefusedSettings) {
        var problems: [SettingsProblem] = []
        path = Self.absolute(settings.path, base: base)
        if settings.path.isEmpty || settings.path.utf8.contains(0) || path == "/" {
            problems.append(
                SettingsProblem(
                    at: ["path"], "'\(VisibleText.escaped(settings.path))' is no folder to deliver to",
                    hint: "name a folder, as in /srv/inbox"))
        }
        whenTaken =
            settings.whenTaken.map { text in
                if let policy = WhenTaken(rawValue: text) { return policy }
                problems.append(SettingsProblem(at: ["when-taken"], "'\(text)' is not known", hint: "use suffix, fail or replace"))
                return .suffix
            } ?? .suffix
        mode =
            settings.mode.map { text in
                if let mode = Self.mode(text) { return mode }
                problems.append(
                    SettingsProblem(
                        at: ["mode"], "'\(text)' is no file mode",
                        hint: "write it in octal and in quotes, at most \"0777\", as in \"0640\""))
                return 0
            } ?? 0o640
        owner = settings.owner.flatMap { text in
            do throws(FileOwner.Unknown) { return try FileOwner(text) } catch {
                problems.append(
                    SettingsProblem(at: ["owner"], error.text, hint: "write user:group, user or :group, by name or number"))
                return nil
            }
        }
        createsFolders = settings.createFolders ?? true
        mount = settings.mount.map { Self.absolute($0, base: base) }
        if let mount, mount == "/" || path != mount && !path.hasPrefix(mount + "/") {
            problems.append(
                SettingsProblem(
                    at: ["mount"], "'\(VisibleText.escaped(mount))' is not a folder above \(VisibleText.escaped(path))",
                    hint: "name the mount point that the folder lies on, as in /mnt/acme"))
        }
        sidecar = settings.sidecar.flatMap { text in
            let sidecar = Sidecar(suffix: text)
            if sidecar == nil {
                problems.append(
                    SettingsProblem(
                        at: ["sidecar"], "'\(VisibleText.escaped(text))' is no suffix of a name",
                        hint: "write .sha256, .done, or another one of a dot and letters or digits"))
            }
            return sidecar
        }
        isSynced = settings.fsync ?? true
        if !problems.isEmpty { throw RefusedSettings(problems: problems) }
    }

    /// Without `.`, empty parts, and a slash at the end. `..` stays: what it leads to is for the system to say.
    private static func absolute(_ path: String, base: String) -> String {
        let whole = path.hasPrefix("/") ? path : base + "/" + path
        return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private static func mode(_ text: String) -> UInt16? {
        // A file that its owner cannot read back could not be proven.
        FileMode.bits(octal: text).flatMap { $0 & 0o400 != 0 ? $0 : nil }
    }
}
