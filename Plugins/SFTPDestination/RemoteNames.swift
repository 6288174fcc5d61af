import PouchKit

/// Under which names a delivery lies at the server.
struct RemoteNames: Sendable {
    let plan: SFTPPlan
    let delivery: DeliveryID

    func final(_ key: DeliveryKey) -> String { RemotePath.joined(plan.base, key.description) }

    /// Where the data lies until it is whole. The delivery's id is in it: nobody else has a file of that name.
    func temporary(_ key: DeliveryKey) -> String { temporary(of: key) }

    func sidecar(_ kind: SFTPSettings.Sidecar, of key: DeliveryKey) -> SavedUpload.Sidecar {
        let ending = "." + kind.rawValue
        return SavedUpload.Sidecar(
            temporary: temporary(of: key, ending), final: RemotePath.joined(folder(of: key), key.name + ending))
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
        guard let longest = parts.max(), longest > PartName.longest else { return nil }
        return "a name would have \(longest) bytes, and file systems take \(PartName.longest)"
    }

    private func folder(of key: DeliveryKey) -> String { RemotePath.joined(plan.base, key.folder) }

    private func temporary(of key: DeliveryKey, _ more: String = "") -> String {
        let name = PartName.text(for: key.name, more, of: delivery, isHidden: plan.naming == .hidden)
        if case .staging(let folder) = plan.naming { return RemotePath.joined(folder, name) }
        return RemotePath.joined(folder(of: key), name)
    }
}
