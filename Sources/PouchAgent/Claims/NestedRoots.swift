import Glibc
import PouchFiles
import PouchKit

/// Roots on mounts inside a drop folder. Each is written down in `<state>/claim-roots` before it is used, so that a survey after a crash
/// knows where to look.
extension ClaimRoots {
    private var listPath: String { state + "/claim-roots" }

    /// The root for a drop that no rename brings to the folder's own root: at the top of the mount that it lies on.
    func nestedRoot(for drop: DropPath, parent: DirectoryHandle, _ ground: ClaimGround) throws(FileProblem) -> ClaimRoot {
        let top = try topOfMount(of: drop, parent: parent, ground)
        guard let text = String(validating: top, as: UTF8.self) else {
            // Roots are written down as text. Who mounts something under such a name is told that it cannot be claimed from.
            throw FileProblem(operation: "make a claim root for the mount at", path: ground.folder.visible(top), errno: EXDEV)
        }
        let path = folder + "/" + text
        try writeDown(path + "/" + Self.folderName)
        return try makeRoot(in: ground.folder.openFolder(top), path: path)
    }

    /// The roots that were written down for this folder.
    func knownNestedRoots() throws(FileProblem) -> [String] {
        let list: DirectoryHandle
        do throws(FileProblem) { list = try .open(listPath) } catch {
            guard error.isMissing else { throw error }
            return []
        }
        var roots: [String] = []
        var entries = try list.entries()
        while let entry = try entries.next() {
            guard entry.name.starts(with: Array((prefix + "-").utf8)) else { continue }
            roots.append(String(decoding: try list.openFile(entry.name).readAll(limit: 4_096), as: UTF8.self))
        }
        return roots
    }

    private func writeDown(_ root: String) throws(FileProblem) {
        let name = Array("\(prefix)-\(ClaimName.shortDigest(of: root))".utf8)
        let list = try DirectoryHandle.create(listPath, mode: 0o700)
        do throws(FileProblem) { _ = try list.status(of: name) } catch {
            guard error.isMissing else { throw error }
            try DurableWrite.write(Array(root.utf8), to: name, in: list)
            notify(.rootChosen(folder: folder, root: root))
        }
    }

    /// The uppermost folder on the way to the drop that lies on the drop's device. A bind mount shares its device with what is above it;
    /// then it is the drop's own folder, which is on the right mount whatever else is.
    private func topOfMount(of drop: DropPath, parent: DirectoryHandle, _ ground: ClaimGround) throws(FileProblem) -> [UInt8] {
        let device = try parent.status().identity.device
        let parts = drop.parent?.parts ?? []
        guard device != ground.folderIdentity.device else { return drop.parent?.bytes ?? [] }
        for count in 1...max(parts.count, 1) {
            let path = Array(parts.prefix(count).joined(separator: [UInt8(ascii: "/")]))
            if try ground.folder.openFolder(path).status().identity.device == device { return path }
        }
        return drop.parent?.bytes ?? []
    }
}
