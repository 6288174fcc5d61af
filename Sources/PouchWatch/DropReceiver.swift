package import PouchKit

/// A file that nobody writes to any more.
package struct SettledDrop: Hashable, Sendable {
    package let path: DropPath
    /// What it was at the last look. Between that and a claim it can change: the claim compares.
    package let identity: FileIdentity
    /// The marker that said so, to be removed when the drop was taken.
    package let marker: DropPath?

    package init(path: DropPath, identity: FileIdentity, marker: DropPath? = nil) {
        self.path = path
        self.identity = identity
        self.marker = marker
    }
}

/// What became of a settled drop.
package enum ReceiverVerdict: Hashable, Sendable {
    /// It was claimed, or it was gone when it was to be claimed.
    case taken
    /// It stays where it is and was taken before, as it is now (`then: keep`): it is not offered again until it changes.
    case known
    /// Not now (the disk is full, the agent is stopping): it is offered again after this time, or by the next sweep.
    case refused(retryAfter: Duration)
}

/// The one who takes what the watcher finds.
///
/// All calls for one folder come one after the other, on that folder's own thread while nobody hops away: a file operation
/// that blocks in them holds up this folder alone. The watcher waits for each call, and that is the back-pressure.
package protocol DropReceiver: Sendable {
    /// Called for each file that is whole. A file that is still at its path after `.taken` is offered again by the next sweep.
    func settled(_ drop: SettledDrop, in folder: Int) async -> ReceiverVerdict
    /// Called once for each file (and folder) that is passed over, for as long as it is there; after very many only the figures count them.
    func ignored(_ path: DropPath, reason: String, in folder: Int) async
    func noticed(_ notice: WatchNotice, in folder: Int) async
    /// Called after each sweep of the whole folder.
    func swept(_ figures: SweepFigures, in folder: Int) async
}
