import PouchFiles
import PouchKit

/// The watched folders of one drop folder: where each lies, and which watch is whose. A value without I/O.
///
/// A folder is known by its identity, never by its path: what is renamed keeps its watch and gets its new path, and so does all
/// that lies in it; what is made anew under an old path is another folder.
struct WatchTree {
    /// An inode number is used again for the next folder; the time of birth tells them apart.
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
        let birth: Int64

        init(_ identity: FileIdentity) {
            device = identity.device
            inode = identity.inode
            birth = identity.birth
        }
    }

    typealias Node = Int

    private struct Folder {
        let identity: Identity
        var parent: Node?
        var name: [UInt8]
        var watch: Int32?
        var children = 0
        /// The number of the sweep that met it last.
        var met: Int
    }

    private var folders: [Node: Folder] = [:]
    private var nodeOfWatch: [Int32: Node] = [:]
    private var nodeOfIdentity: [Identity: Node] = [:]
    private var nextNode: Node = 0
    private var sweep = 0

    var count: Int { folders.count }
    var watchCount: Int { nodeOfWatch.count }
    var watches: [Int32] { Array(nodeOfWatch.keys) }

    func node(ofWatch watch: Int32) -> Node? { nodeOfWatch[watch] }
    func node(of identity: Identity) -> Node? { nodeOfIdentity[identity] }
    func watch(of node: Node) -> Int32? { folders[node]?.watch }
    func identity(of node: Node) -> Identity? { folders[node]?.identity }
    func isRoot(_ node: Node) -> Bool { folders[node].map { $0.parent == nil } ?? false }

    /// Whether the folder lies there and nowhere else, as far as we know.
    func isPlaced(_ identity: Identity, in parent: Node?, as name: [UInt8]) -> Bool {
        guard let node = nodeOfIdentity[identity], let folder = folders[node] else { return false }
        return folder.parent == parent && folder.name == name
    }

    /// The path from the drop folder on; empty for the drop folder itself.
    func path(of node: Node) -> [UInt8]? {
        var parts: [[UInt8]] = []
        var current = node
        while true {
            guard let folder = folders[current] else { return nil }
            guard let parent = folder.parent else { break }
            parts.append(folder.name)
            current = parent
        }
        return Array(parts.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    /// Puts a folder where it was found, be it new or known from elsewhere.
    ///
    /// - Returns: `nil` when the folder would come to lie in itself: then what we know is out of date as a whole.
    mutating func place(_ identity: Identity, in parent: Node?, as name: [UInt8]) -> Node? {
        guard let node = nodeOfIdentity[identity] else {
            let node = nextNode
            nextNode += 1
            folders[node] = Folder(identity: identity, parent: parent, name: name, met: sweep)
            nodeOfIdentity[identity] = node
            if let parent { folders[parent]?.children += 1 }
            return node
        }
        folders[node]?.met = sweep
        if isPlaced(identity, in: parent, as: name) { return node }
        var ancestor = parent
        while let current = ancestor {
            if current == node { return nil }
            ancestor = folders[current]?.parent
        }
        if let old = folders[node]?.parent { folders[old]?.children -= 1 }
        if let parent { folders[parent]?.children += 1 }
        folders[node]?.parent = parent
        folders[node]?.name = name
        return node
    }

    mutating func setWatch(_ watch: Int32, of node: Node) {
        if let old = folders[node]?.watch { nodeOfWatch[old] = nil }
        folders[node]?.watch = watch
        nodeOfWatch[watch] = node
    }

    /// The watch ended; the folder may still be there.
    mutating func dropWatch(of node: Node) {
        guard let watch = folders[node]?.watch else { return }
        nodeOfWatch[watch] = nil
        folders[node]?.watch = nil
    }

    /// Forgets the folder and all that lies in it.
    ///
    /// - Returns: their watches, to be ended.
    mutating func remove(_ node: Node) -> [Int32] {
        guard let folder = folders[node] else { return [] }
        let doomed = folder.children == 0 ? [node] : folders.keys.filter { isInside($0, node) }
        return remove(doomed)
    }

    mutating func removeAll() -> [Int32] {
        defer { self = WatchTree() }
        return watches
    }

    /// From now on, what is placed counts as met.
    mutating func beginSweep() { sweep += 1 }

    /// Forgets what the sweep that began last did not meet.
    ///
    /// - Returns: their watches, to be ended.
    mutating func removeUnmet() -> [Int32] { remove(folders.filter { $0.value.met != sweep }.map(\.key)) }

    private mutating func remove(_ nodes: [Node]) -> [Int32] {
        var watches: [Int32] = []
        for node in nodes {
            guard let folder = folders.removeValue(forKey: node) else { continue }
            nodeOfIdentity[folder.identity] = nil
            if let parent = folder.parent { folders[parent]?.children -= 1 }
            if let watch = folder.watch {
                nodeOfWatch[watch] = nil
                watches.append(watch)
            }
        }
        return watches
    }

    private func isInside(_ node: Node, _ ancestor: Node) -> Bool {
        var current: Node? = node
        while let here = current {
            if here == ancestor { return true }
            current = folders[here]?.parent
        }
        return false
    }
}
