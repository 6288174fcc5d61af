import PouchKit

/// Under which names a delivery lies at the server.
struct RemoteNames: Sendable {
    /// What file systems take for one part of a path.
    static let longestPart = 255
    static let temporaryEnding = ".part"

    let plan: SFTPPlan
    let delivery: DeliveryID

    func final(_ key: DeliveryKey) -> String { RemotePath.joined(plan.base, key.description) }

    /// Where the data lies until it is whole. The delivery's id is in it: nobody else has a file of that name.
    func temporary(_ key: DeliveryKey) -> String { temporary(named: key.name, in: key) }

    func sidecar(_ kind: SFTPSettings.Sidecar, of key: DeliveryKey) -> SavedUpload.Sidecar {
        let name = key.name + "." + kind.rawValue
        return SavedUpload.Sidecar(
            temporary: temporary(named: name, in: key), final: RemotePath.joined(folder(of: key), name))
    }

    /// The folders of the key below the base, from the top down.
    func folders(of key: DeliveryKey) -> [String] {
        var path = plan.base
        return key.folder.utf8.split(separator: UInt8(ascii: "/")).compactMap { part in
            path = RemotePath.joined(path, String(part) ?? "")
            return path
        }
    }

    /// Why the server's file system would not take the names of this key, or `nil`.
    func flaw(of key: DeliveryKey) -> String? {
        var parts = key.description.utf8.split(separator: UInt8(ascii: "/")).map(\.count)
        parts += plan.sidecars.map { key.name.utf8.count + 1 + $0.rawValue.utf8.count }
        guard let longest = parts.max(), longest > Self.longestPart else { return nil }
        return "a name would have \(longest) bytes, and file systems take \(Self.longestPart)"
    }

    private func folder(of key: DeliveryKey) -> String { RemotePath.joined(plan.base, key.folder) }

    /// The name is cut where it would be too long.
    private func temporary(named name: String, in key: DeliveryKey) -> String {
        let ending = ".\(delivery)" + Self.temporaryEnding
        var name = name
        while name.utf8.count > Self.longestPart - 1 - ending.utf8.count { name.removeLast() }
        switch plan.naming {
        case .hidden: return RemotePath.joined(folder(of: key), "." + name + ending)
        case .part, .direct: return RemotePath.joined(folder(of: key), name + ending)
        case .staging(let folder): return RemotePath.joined(folder, name + ending)
        }
    }
}
