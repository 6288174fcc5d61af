import PouchCrypto
package import PouchFiles
package import PouchJournal
package import PouchKit
import Synchronization

/// The claimed files that are open now: one descriptor and one set of digests a file, however many partners receive it.
///
/// A source is closed when the last delivery that uses it lets go.
package final class SourceShelf: Sendable {
    private struct Place {
        weak var source: Source?
    }

    private let claims: any ClaimedFiles
    private let places = Mutex<[Int64: Place]>([:])

    package init(claims: any ClaimedFiles) { self.claims = claims }

    /// Opens the file of the delivery, or shares it when it is open. Blocking: on a blocking thread only.
    ///
    /// - Throws: `.sourceChanged` when the file is not what was claimed; `.quarantine` with `source-missing` when it is gone;
    ///   `.retry` when it cannot be opened for now.
    package func source(of delivery: PendingDelivery) throws(DeliveryFailure) -> Source {
        if let open = places.withLock({ $0[delivery.file.id]?.source }), open.identity == delivery.file.identity { return open }
        let file = try claims.open(delivery.file)
        let source = Source(file: file, identity: delivery.file.identity, path: delivery.file.path, known: delivery.file.digests)
        places.withLock { places in
            if places.count > 256 { places = places.filter { $0.value.source != nil } }
            places[delivery.file.id] = Place(source: source)
        }
        return source
    }
}

extension SourceShelf {
    /// What the claimed file is now. Blocking.
    func current(_ file: JournalFile) throws(DeliveryFailure) -> FileIdentity { try claims.current(file) }
}

/// Where the claimed files lie.
package protocol ClaimedFiles: Sendable {
    /// Opens the file for reading. Blocking.
    func open(_ file: JournalFile) throws(DeliveryFailure) -> SharedFile
    /// What the file is now. Blocking.
    func current(_ file: JournalFile) throws(DeliveryFailure) -> FileIdentity
}

/// One open claimed file.
package final class Source: Sendable {
    let file: SharedFile
    let identity: FileIdentity
    private let path: DropPath
    private let digests: SingleFlight<FileDigests, DeliveryFailure>
    private let parts: SourceParts

    init(file: SharedFile, identity: FileIdentity, path: DropPath, known: FileDigests?) {
        self.file = file
        self.identity = identity
        self.path = path
        digests = SingleFlight(known: known)
        parts = SourceParts(needsWhole: known == nil)
    }

    /// What an adapter may use.
    ///
    /// - Parameters:
    ///   - lane: where reading blocks.
    ///   - computed: told once when the digests were computed rather than known.
    package func outgoing(
        reading lane: BlockingExecutor,
        computed: @escaping @Sendable (FileDigests) -> Void
    ) -> OutgoingFile {
        OutgoingFile(
            path: path,
            size: identity.size,
            modified: Timestamp(nanoseconds: identity.modified),
            descriptor: file.descriptor,
            digests: { [self] () async throws(DeliveryFailure) in
                try await digests.value { () async throws(DeliveryFailure) in
                    let result = try await lane.run(stoppable: { stop throws(DeliveryFailure) in try self.hash(stop) })
                    computed(result)
                    return result
                }
            },
            partDigests: { [self] (part, kind) async throws(DeliveryFailure) in
                try await parts.digests(of: part, kind) { running async throws(DeliveryFailure) in
                    try await lane.run(stoppable: { stop throws(DeliveryFailure) in
                        try self.hash(part, kind, running, stop)
                    })
                }
            },
            knownDigests: { [self] in digests.known },
            verifyUnchanged: { [self] () throws(DeliveryFailure) in try verify() }
        )
    }

    private func hash(_ stop: StopSign) throws(DeliveryFailure) -> FileDigests {
        let result: FileDigests
        do {
            if let whole = parts.whole(ofSize: identity.size) {
                try FileHasher.expectEnd(of: file.descriptor, at: identity.size)
                result = whole
            } else {
                result = try FileHasher.digests(ofFile: file.descriptor, size: identity.size, isWanted: { !stop.isRaised })
            }
        } catch {
            throw SourceFailure.unread(path, error)
        }
        try verify()
        return result
    }

    private func hash(
        _ part: Range<Int64>,
        _ kind: PartDigests.Kind,
        _ running: RunningDigest?,
        _ stop: StopSign
    ) throws(DeliveryFailure) -> PartDigests {
        do {
            return try FileHasher.digests(
                ofFile: file.descriptor, part: part, kind: kind, running: running, isWanted: { !stop.isRaised })
        } catch {
            throw SourceFailure.unread(path, error)
        }
    }

    /// Looks whether the file is still what was claimed.
    func verify() throws(DeliveryFailure) {
        let now: FileIdentity
        do {
            now = try file.status().identity
        } catch {
            throw SourceFailure.unreadable(path, error)
        }
        guard now.isUnchangedSinceRemount(identity) else { throw SourceFailure.changed(path, from: identity, to: now) }
    }
}

/// The failures that come from the file itself.
enum SourceFailure {
    static func changed(_ path: DropPath, from old: FileIdentity, to new: FileIdentity) -> DeliveryFailure {
        DeliveryFailure(
            .sourceChanged,
            code: "source-changed",
            attempt: "read \(path)",
            cause: "it was written to after it was claimed (\(old.size) bytes then, \(new.size) bytes now)",
            hint: "the producer writes on after closing or renaming: use `ready: { quiet: … }` or a marker for this folder"
        )
    }

    static func otherBytes(_ path: DropPath, _ old: SHA256Digest, _ new: SHA256Digest) -> DeliveryFailure {
        DeliveryFailure(
            .sourceChanged,
            code: "source-changed",
            attempt: "read \(path)",
            cause: "its SHA-256 is \(new) now, and it was \(old) when it was first read"
        )
    }

    static func otherSize(_ path: DropPath, _ expected: Int64, _ found: Int64) -> DeliveryFailure {
        DeliveryFailure(
            .sourceChanged,
            code: "source-changed",
            attempt: "read \(path)",
            cause: "it has \(found) bytes or more, and it had \(expected) when it was claimed"
        )
    }

    /// Other bytes than before, in a file of the same size and time.
    static func rotten(_ failure: DeliveryFailure) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine,
            code: "source-rotten",
            attempt: failure.attempt,
            cause: "\(failure.cause); nobody wrote to it, its size and time are those it was claimed with",
            hint: "look at the disk that holds the claims (`smartctl`, the kernel's log); drop the file again from its source"
        )
    }

    static func unreadable(_ path: DropPath, _ problem: FileProblem) -> DeliveryFailure {
        // A shortage of our own passes.
        let (pause, code): (Duration, _) = problem.isExhausted ? (.seconds(1), problem.code) : (.seconds(30), "source-unreadable")
        return DeliveryFailure(.retry(after: pause), code: code, attempt: "read \(path)", cause: "\(problem)")
    }

    static func unread(_ path: DropPath, _ problem: FileHashFailure) -> DeliveryFailure {
        switch problem {
        case .shorter, .longer:
            DeliveryFailure(.sourceChanged, code: "source-changed", attempt: "read \(path)", cause: "\(problem)")
        case .unreadable, .abandoned:
            DeliveryFailure(.retry(after: .seconds(30)), code: "source-unreadable", attempt: "read \(path)", cause: "\(problem)")
        }
    }
}
