package import PouchKit

/// Decides which files of an archive have been kept long enough.
///
/// The time of archiving is the file's ctime: the move into the archive sets it, and nobody can set it back, while the modification time is
/// the producer's and may be of any year. A later change of name, owner or mode only prolongs the keeping.
package struct ArchivePruning: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case keep, remove
        /// The time is impossible: it was archived before the clock was set, or the clock has gone back. Counting starts again.
        case restamp
    }

    package let keepFor: Duration

    package init(keepFor: Duration) { self.keepFor = keepFor }

    package func verdict(archived: Timestamp, now: Timestamp) -> Verdict {
        // Machines without a battery start in 1970 and only later learn the time: then nothing is removed.
        let clockIsSet = Timestamp(seconds: 1_000_000_000)
        guard now > clockIsSet else { return .keep }
        guard archived > clockIsSet, archived < now.advanced(by: .seconds(86_400)) else { return .restamp }
        return archived.duration(to: now) >= keepFor ? .remove : .keep
    }
}
