package import PouchFiles
package import PouchKit

/// Decides whether one file is whole: what was seen goes in, what to do comes out. It does no I/O and has no clock; times are
/// our monotonic clock's, and the file's own times are only ever compared with each other.
package struct Settling: Hashable, Sendable {
    package enum Observation: Hashable, Sendable {
        /// An event: the name is new. The writer may still be about to open it.
        case created
        /// An event.
        case closedAfterWriting
        /// An event.
        case movedIn
        /// A look at the file by its name.
        case seen(FileIdentity)
        /// The answer to `askLease`, with what the opened file was after it.
        case lease(WriteLease, FileIdentity)
        /// The answer to `askWriters`.
        case writers(OpenWriters.Finding)
        /// The answer to `askMarker`.
        case marker(isThere: Bool)
        case missing
        case notAFile(FileStatus.Kind)
        /// It is there and cannot be opened. Passing: our own shortage of descriptors or memory.
        case unreadable(isPassing: Bool)
        /// The receiver does not want it now.
        case refused(retryAfter: Duration)
    }

    package enum Verdict: Hashable, Sendable {
        case look, askLease, askWriters, askMarker
        /// It may be taken: this is what was seen last.
        case settled(FileIdentity)
        /// Look again then. `nil`: only an event or a sweep can bring news.
        case wait(until: Duration?)
        case gone
        case ignored(String)
    }

    /// Between the creation of a name and the moment when the kernel counts its creator as a writer a lease is granted: an
    /// empty file that was only just found is given this long.
    package static let creationGrace: Duration = .milliseconds(100)
    /// How long a file must stay the same when no lease can tell.
    package static let quietPeriod: Duration = .seconds(2)
    /// The same for a file whose creation was an event and whose close was none yet: most likely its writer pauses. What is linked in
    /// has no close either, so it does not wait for ever.
    package static let unclosedQuietPeriod: Duration = .seconds(60)
    /// The close of a file that is held is an event, but the end of a writable mapping is none: held files are asked again.
    private static let firstRecheck: Duration = .milliseconds(250)
    private static let longestRecheck: Duration = .seconds(5)

    private let readiness: Readiness
    /// The producer said that it is done: it closed the file, moved it in, or made the marker.
    private var isPublished = false
    private var wasCreatedBeforeUs = false
    private var last: FileIdentity?
    private var unchangedSince: Duration = .zero
    private var heldCount = 0

    package init(_ readiness: Readiness) { self.readiness = readiness }

    package mutating func observe(_ observation: Observation, at now: Duration) -> Verdict {
        switch observation {
        case .created:
            wasCreatedBeforeUs = true
            isPublished = false
            last = nil
            return .wait(until: now + Self.creationGrace)
        case .closedAfterWriting, .movedIn:
            // Whatever was seen before, it was written to or replaced: what the next look sees is new.
            isPublished = true
            last = nil
            heldCount = 0
            return .look
        case .seen(let identity): return seen(identity, at: now)
        case .lease(let lease, let identity): return answered(lease, identity, at: now)
        case .writers(let finding): return answered(finding, at: now)
        case .marker(let isThere):
            guard isThere else { return .wait(until: nil) }
            isPublished = true
            return .askLease
        case .missing: return .gone
        case .notAFile(let kind): return notAFile(kind)
        case .unreadable(let isPassing): return .wait(until: isPassing ? now + .seconds(1) : nil)
        case .refused(let delay): return .wait(until: now + max(delay, Self.creationGrace))
        }
    }

    private mutating func seen(_ identity: FileIdentity, at now: Duration) -> Verdict {
        note(identity, at: now)
        switch readiness {
        case .closed: return mayBeUnopened(identity, at: now) ? .wait(until: unchangedSince + Self.creationGrace) : .askLease
        case .quiet(let period):
            return now >= unchangedSince + period ? .settled(identity) : .wait(until: unchangedSince + period)
        case .marker: return .askMarker
        }
    }

    private mutating func answered(_ lease: WriteLease, _ identity: FileIdentity, at now: Duration) -> Verdict {
        note(identity, at: now)
        switch lease {
        case .free:
            return mayBeUnopened(identity, at: now)
                ? .wait(until: unchangedSince + Self.creationGrace) : .settled(identity)
        case .beingWritten: return held(at: now)
        case .notPermitted:
            // A marker is the producer's own word, and the only one we have then.
            if case .marker = readiness { return .settled(identity) }
            // The time began with an earlier observation, so there were at least two.
            let period = wasCreatedBeforeUs && !isPublished ? Self.unclosedQuietPeriod : Self.quietPeriod
            return now >= unchangedSince + period ? .askWriters : .wait(until: unchangedSince + period)
        }
    }

    private mutating func answered(_ finding: OpenWriters.Finding, at now: Duration) -> Verdict {
        guard let last else { return .look }
        switch finding {
        case .writing: return held(at: now)
        case .noneSeen: return .settled(last)
        }
    }

    private mutating func held(at now: Duration) -> Verdict {
        heldCount += 1
        return .wait(until: now + min(Self.firstRecheck * (1 << min(heldCount - 1, 5)), Self.longestRecheck))
    }

    private mutating func note(_ identity: FileIdentity, at now: Duration) {
        guard identity != last else { return }
        if let last, !last.isSameFile(as: identity) {
            // Another file under the same name, of which no event told: what was said of the first does not hold for it.
            isPublished = false
            wasCreatedBeforeUs = false
            heldCount = 0
        }
        unchangedSince = now
        last = identity
    }

    private func mayBeUnopened(_ identity: FileIdentity, at now: Duration) -> Bool {
        identity.size == 0 && !isPublished && now < unchangedSince + Self.creationGrace
    }

    private func notAFile(_ kind: FileStatus.Kind) -> Verdict {
        switch kind {
        // A folder has its own watch; a regular file is what was looked for, and another look will say so.
        case .directory, .regular: .gone
        case .symlink, .fifo, .socket, .device: .ignored(Self.reason(against: kind))
        }
    }

    package static func reason(against kind: FileStatus.Kind) -> String {
        switch kind {
        case .symlink: "a symbolic link"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        case .device: "a device"
        case .directory: "a folder"
        case .regular: "a file"
        }
    }
}
