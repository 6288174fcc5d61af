import PouchFiles
import PouchKit

/// What a sweep does with each name it meets.
extension FolderWatch {
    /// Deeper folders are not entered: each level holds descriptors.
    private static let mostLevels = 64
    /// A longer path cannot be given to the kernel.
    private static let longestPath = 4_095

    func meet(_ found: TreeWalk.Found, _ sweep: Sweep) async {
        guard found.name != IgnorePatterns.claimRoot else { return }
        do throws(FileProblem) {
            switch try kind(of: found) {
            case .directory: try await meetFolder(found, sweep)
            case .regular: try await meetFile(found, sweep)
            case let kind: await pass(found.path, Settling.reason(against: kind), sweep)
            }
        } catch {
            // Gone since it was listed, or not what it was.
            if error.isMissing || error.isSymlink { return }
            sweep.fail(error)
            if !error.isExhausted { await tellUnreadable(found.path, error) }
        }
    }

    private func kind(of found: TreeWalk.Found) throws(FileProblem) -> FileStatus.Kind {
        if let kind = found.kind { return kind }
        return try found.folder.status(of: found.name).kind
    }

    private func meetFile(_ found: TreeWalk.Found, _ sweep: Sweep) async throws(FileProblem) {
        if case .marker(let template) = folder.ready, template.drop(of: found.name) != nil {
            sweep.figures.markers += 1
            return
        }
        if let reason = folder.ignore.reason(for: found.path) { return await pass(found.path, reason, sweep) }
        if found.path.bytes.count > Self.longestPath { return await pass(found.path, "its path is too long", sweep) }
        let status = try found.folder.status(of: found.name)
        guard status.isRegular else { return }
        let outcome =
            known.meets(found.path, status.identity)
            ? .known : await consider(found.path, in: found.folder, as: found.name, .seen(status.identity))
        switch outcome {
        case .gone: return
        case .ignored(let reason):
            sweep.figures.ignored[reason, default: 0] += 1
            return
        case .taken: sweep.figures.taken += 1
        case .known: sweep.figures.known += 1
        case .waiting: sweep.figures.unsettled += 1
        case .refused:
            sweep.figures.unsettled += 1
            sweep.figures.refused += 1
        case .unreadable:
            sweep.figures.unsettled += 1
            sweep.figures.unreadable += 1
        }
        sweep.figures.files += 1
        sweep.figures.bytes += status.size
    }

    private func meetFolder(_ found: TreeWalk.Found, _ sweep: Sweep) async throws(FileProblem) {
        guard folder.recursive else { return }
        if let reason = folder.ignore.reason(for: found.path, isFolder: true) { return await pass(found.path, reason, sweep) }
        guard sweep.walk.depth < Self.mostLevels else {
            if told.insert(found.path, Self.mostLevels) { await tell(.tooDeep(path: found.path, limit: Self.mostLevels)) }
            return
        }
        let handle = try found.folder.openFolder(found.name)
        try await enter(handle, try handle.status(), path: found.path.bytes, in: found.node, as: found.name, sweep)
    }

    private func pass(_ path: DropPath, _ reason: String, _ sweep: Sweep) async {
        sweep.figures.ignored[reason, default: 0] += 1
        await tellIgnored(path, reason)
    }

    /// Watches the folder, then lists it: what comes into it from then on is either listed or an event.
    func enter(
        _ handle: DirectoryHandle, _ status: FileStatus, path: [UInt8], in parent: WatchTree.Node?, as name: [UInt8], _ sweep: Sweep
    ) async throws(FileProblem) {
        sweep.figures.directories += 1
        let node = await adopt(handle, status, path: path, in: parent, as: name)
        if !(node.map { watch($0, handle, sweep) } ?? false) { sweep.figures.unwatchedDirectories += 1 }
        try sweep.walk.enter(handle, path: path, node: node)
    }

    /// The folder's place in the tree; `nil` where nothing can be watched.
    private func adopt(
        _ handle: DirectoryHandle, _ status: FileStatus, path: [UInt8], in parent: WatchTree.Node?, as name: [UInt8]
    ) async -> WatchTree.Node? {
        guard let root, root.canBeWatched, parent != nil || path.isEmpty else { return nil }
        let identity = WatchTree.Identity(status.identity)
        if identity.device != root.identity.device, let network = networkName(of: handle), let path = try? DropPath(bytes: path) {
            if told.insert(path, network) {
                await tell(.sweptOnly(folder: handle.path, reason: Self.reason(networkName: network)))
            }
            return nil
        }
        guard let node = tree.place(identity, in: parent, as: name) else {
            wantedSweep = wantedSweep ?? .doubt
            return nil
        }
        return node
    }

    /// - Returns: false when the folder can only be swept.
    private func watch(_ node: WatchTree.Node, _ handle: DirectoryHandle, _ sweep: Sweep) -> Bool {
        guard let library, let identity = tree.identity(of: node) else { return false }
        if let watch = tree.watch(of: node) {
            if library.isWatching(watch, for: mailbox) { return true }
            tree.dropWatch(of: node)
        }
        if sweep.isLimitReached { return false }
        guard budget.allowsOneMore(folder: index, holding: tree.watchCount) else {
            sweep.isLimitReached = true
            return false
        }
        switch library.watch(handle, identity, for: mailbox) {
        case .watched(let watch): tree.setWatch(watch, of: node)
        case .limitReached: sweep.isLimitReached = true
        // Of another drop folder that overlaps with this one, or not ours to watch: swept.
        case .watchedByAnother, .failed: break
        }
        return tree.watch(of: node) != nil
    }
}
