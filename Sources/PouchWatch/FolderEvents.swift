import PouchFiles
import PouchKit

/// What the events mean. They are hints: each is followed by a look.
extension FolderWatch {
    private static let mostSubtrees = 10_000

    func followEvents(atMost count: Int) async {
        for _ in 0..<count {
            guard let event = events.popFirst() else {
                // An empty slice would keep its whole array.
                events = []
                return
            }
            await follow(event)
        }
    }

    private func follow(_ event: FolderEvent) async {
        guard let root, let node = tree.node(ofWatch: event.watch) else { return }
        switch event.happening {
        case .watchEnded: await watchEnded(of: node)
        case .movedAway: await movedAway(node)
        case .folderCreated, .folderMovedIn:
            await folderAppeared(event.name, in: node, root, isNew: event.happening == .folderCreated)
        case .created: await fileHint(.created, event.name, in: node, root)
        case .closedAfterWriting: await fileHint(.closedAfterWriting, event.name, in: node, root)
        case .movedIn: await fileHint(.movedIn, event.name, in: node, root)
        }
    }

    private func fileHint(_ hint: Settling.Observation, _ name: [UInt8], in node: WatchTree.Node, _ root: Root) async {
        guard let path = path(of: name, in: node) else { return }
        if case .marker(let template) = folder.ready, let dropName = template.drop(of: name) {
            // The marker's own readiness does not matter: that it is there is all it says.
            guard let drop = self.path(of: dropName, in: node), folder.ignore.reason(for: drop) == nil else { return }
            _ = await consider(drop, in: root.handle, as: drop.bytes, nil)
            return
        }
        // Told only by sweeps: most temporary names are gone before the next one.
        guard folder.ignore.reason(for: path) == nil else { return }
        _ = await consider(path, in: root.handle, as: path.bytes, hint)
    }

    /// A folder that is known keeps its watch and gets its place; in any case it is looked through, for what happened in it before
    /// the watch, or under its old path.
    private func folderAppeared(_ name: [UInt8], in parent: WatchTree.Node, _ root: Root, isNew: Bool) async {
        guard folder.recursive, name != IgnorePatterns.claimRoot, let path = path(of: name, in: parent),
            folder.ignore.reason(for: path, isFolder: true) == nil
        else { return }
        guard let parentPath = tree.path(of: parent), let holder = try? root.handle.openFolder(parentPath),
            let holderStatus = try? holder.status()
        else { return }
        guard WatchTree.Identity(holderStatus.identity) == tree.identity(of: parent) else {
            // The parent is not where we think: renamed, with the event still to come.
            wantedSweep = wantedSweep ?? .doubt
            return
        }
        if let handle = try? holder.openFolder(name), let status = try? handle.status() {
            let identity = WatchTree.Identity(status.identity)
            if let node = tree.node(of: identity) {
                let isSettledThere = tree.isPlaced(identity, in: parent, as: name) && isWatched(node)
                // A sweep came first: it set the watch and then listed the folder.
                if isNew, isSettledThere { return }
                if tree.place(identity, in: parent, as: name) == nil { wantedSweep = wantedSweep ?? .doubt }
            }
        }
        lookThrough(path)
    }

    private func lookThrough(_ path: DropPath) {
        if subtrees.last == path { return }
        guard subtrees.count < Self.mostSubtrees else {
            subtrees = []
            wantedSweep = wantedSweep ?? .doubt
            return
        }
        subtrees.append(path)
    }

    /// The folder itself was renamed. Where it went inside the tree, the event of its new parent came before this one.
    private func movedAway(_ node: WatchTree.Node) async {
        if tree.isRoot(node) { return await checkRoot(.returned) }
        if !isStillThere(node) { forget(node) }
    }

    /// The folder was deleted, or its file system unmounted.
    private func watchEnded(of node: WatchTree.Node) async {
        let isRoot = tree.isRoot(node)
        tree.dropWatch(of: node)
        if isRoot {
            await checkRoot(.returned)
            if root != nil { wantedSweep = wantedSweep ?? .doubt }
        } else if isStillThere(node), let bytes = tree.path(of: node), let path = try? DropPath(bytes: bytes) {
            lookThrough(path)
        } else {
            forget(node)
        }
    }

    private func isStillThere(_ node: WatchTree.Node) -> Bool {
        guard let root, let path = tree.path(of: node), let handle = try? root.handle.openFolder(path),
            let status = try? handle.status()
        else { return false }
        return WatchTree.Identity(status.identity) == tree.identity(of: node)
    }

    private func forget(_ node: WatchTree.Node) {
        for watch in tree.remove(node) { library?.unwatch(watch) }
    }

    private func isWatched(_ node: WatchTree.Node) -> Bool {
        guard let watch = tree.watch(of: node) else { return false }
        return library?.isWatching(watch, for: mailbox) ?? false
    }

    private func path(of name: [UInt8], in node: WatchTree.Node) -> DropPath? {
        guard name != IgnorePatterns.claimRoot, let folder = tree.path(of: node) else { return nil }
        return try? DropPath(bytes: folder.isEmpty ? name : folder + [UInt8(ascii: "/")] + name)
    }
}
