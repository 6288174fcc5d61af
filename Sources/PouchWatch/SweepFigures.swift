package import PouchKit

/// What one sweep of a whole folder saw.
package struct SweepFigures: Hashable, Sendable {
    package enum Cause: String, Hashable, Sendable {
        case start, returned, schedule, request, overflow
        /// There were more files to wait for than are remembered at once, and now there is room again.
        case backlog
        /// The tree changed in a way that the events do not tell.
        case doubt
    }

    package let cause: Cause
    package let began: Timestamp
    package internal(set) var duration: Duration = .zero
    /// False when the folder was not there or could not be read whole: what is missing in the figures may exist nevertheless.
    package internal(set) var isComplete = true
    /// Regular files that are drops: settled, known, unsettled.
    package internal(set) var files = 0
    package internal(set) var bytes: Int64 = 0
    /// Handed to the receiver and taken.
    package internal(set) var taken = 0
    /// Still there, taken before.
    package internal(set) var known = 0
    /// Being written, waiting for their quiet time, their marker, or for the receiver; or unreadable.
    package internal(set) var unsettled = 0
    /// Those of the unsettled that cannot be opened.
    package internal(set) var unreadable = 0
    /// Those of the unsettled that the receiver did not want now.
    package internal(set) var refused = 0
    package internal(set) var markers = 0
    package internal(set) var ignored: [String: Int] = [:]
    /// The folder itself included.
    package internal(set) var directories = 0
    /// Those that are looked at by sweeps alone.
    package internal(set) var unwatchedDirectories = 0

    init(cause: Cause, began: Timestamp) {
        self.cause = cause
        self.began = began
    }
}
