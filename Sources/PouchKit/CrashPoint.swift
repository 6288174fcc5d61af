#if DEBUG
    import Glibc
    import Synchronization
#endif

/// A named place on the way of a file where a test may kill the process. Release builds contain none.
///
/// `POUCH_CRASH_AT=claimed:3` kills the process, as `kill -9` does, when it reaches `claimed` for the third time.
package enum CrashPoint: String, CaseIterable, Sendable {
    /// A drop was found whole.
    case settled
    /// The routes were asked.
    case routed
    /// The drop was renamed into the claim root, and the journal does not know.
    case claimed
    /// The journal's commit of the admission returned.
    case admitted
    /// An attempt is about to begin.
    case begun
    /// A part of the sealed file is written.
    case sealing
    /// The sealed file is durable, and the journal does not know.
    case sealed
    /// The destination has stored a stage, and the journal does not know.
    case staged
    /// The checkpoint is on disk, and nothing is visible to the partner yet.
    case saved
    /// The partner has the file, and the journal does not know.
    case delivered
    /// The journal's commit of the delivery returned, and the manifest file lacks the line.
    case completed
    /// The manifest file has the line, and the journal does not know.
    case recorded
    /// The source was put away, and the journal does not know.
    case disposed
    /// The file is finished in the journal.
    case finished

    #if DEBUG
        private static let chosen: (point: CrashPoint, count: Int)? = {
            guard let text = getenv("POUCH_CRASH_AT").map({ String(cString: $0) }) else { return nil }
            let parts = text.split(separator: ":")
            guard let point = parts.first.flatMap({ CrashPoint(rawValue: String($0)) }) else { return nil }
            return (point, parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }()

        private static let reached = Atomic<Int>(0)
    #endif

    /// Kills the process here if a test asked for it.
    package static func reach(_ point: CrashPoint) {
        #if DEBUG
            guard let chosen, chosen.point == point else { return }
            if reached.add(1, ordering: .relaxed).newValue == chosen.count { kill(getpid(), SIGKILL) }
        #endif
    }
}
