import PouchFiles
import PouchKit

/// The drop folder itself: there, gone, another.
extension FolderWatch {
    /// A folder that is gone is looked for, and one that is there is looked at again, this often: its removal while we hold it
    /// open, and a mount over it, are no events.
    private static let pulse: Duration = .seconds(1)

    /// Looks what lies at the folder's path, and begins or ends to watch accordingly.
    func checkRoot(_ cause: SweepFigures.Cause) async {
        nextPulse = now + Self.pulse
        let handle: DirectoryHandle
        let status: FileStatus
        do throws(FileProblem) {
            handle = try DirectoryHandle.open(folder.path)
            status = try handle.status()
        } catch {
            // Our own shortage says nothing about the folder.
            if error.isExhausted { return }
            leave()
            if !isVanishTold { await tell(.vanished(folder: folder.path, cause: error.cause)) }
            isVanishTold = true
            return
        }
        let identity = WatchTree.Identity(status.identity)
        if let root {
            if root.identity == identity { return }
            await tell(.replaced(folder: folder.path, isOtherDevice: root.identity.device != identity.device))
            leave()
        } else if isVanishTold {
            await tell(.returned(folder: folder.path))
            isVanishTold = false
        }
        await take(handle, identity)
        wantedSweep = cause
    }

    /// Forgets everything about the folder, and concludes nothing about its files.
    func leave() {
        for watch in tree.removeAll() { library?.unwatch(watch) }
        budget.release(folder: index)
        root = nil
        candidates.removeAll()
        events = []
        subtrees = []
        partialSweep = nil
        if let sweep = fullSweep { sweepRequests += sweep.requests }
        fullSweep = nil
        wantedSweep = sweepRequests.isEmpty ? nil : .request
    }

    private func take(_ handle: DirectoryHandle, _ identity: WatchTree.Identity) async {
        let network = networkName(of: handle)
        executor.note(isRemote: network != nil)
        var canBeWatched = library != nil
        if canBeWatched, let network {
            canBeWatched = false
            await tell(.sweptOnly(folder: folder.path, reason: Self.reason(networkName: network)))
        }
        root = Root(handle: handle, identity: identity, canBeWatched: canBeWatched)
    }

    /// The name of the network file system; a file system that does not even say what it is counts as one.
    func networkName(of handle: DirectoryHandle) -> String? {
        guard let kind = try? Filesystem.kind(of: handle.descriptor) else { return "unknown" }
        return switch kind {
        case .local: nil
        case .network(let name): name
        }
    }

    static func reason(networkName: String) -> String {
        "it lies on a file system (\(networkName)) that others can change without an event"
    }
}
