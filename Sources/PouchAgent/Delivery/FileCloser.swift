import Foundation
import Logging
import PouchFiles
import PouchJournal
import PouchKit
import Synchronization

/// Ends a file when its last delivery has ended: archive, delete or keep; to the quarantine when one of its deliveries is there.
///
/// Called only after the journal's commit returned. A crash in between is met again by `Recovery`: the file is still open in the
/// journal then, and is closed once more.
final class FileCloser: Sendable {
    private let journal: Journal
    private let claimed: ClaimedFolders
    private let clock: any AgentClock
    private let alerts: AlertBell
    private let logger: Logger
    /// Files that are being put away now: `Recovery` looks at the same files from time to time.
    private let closing = Mutex<Set<Int64>>([])
    /// Folders with files that could not be put away.
    private let troubled = Mutex<Set<String>>([])
    /// Archives may lie on other mounts: what hangs there holds up only what comes after it.
    private let disposing = BlockingExecutor(name: "pouch-archive", threads: 2)

    init(journal: Journal, claimed: ClaimedFolders, clock: any AgentClock, alerts: AlertBell, logger: Logger) {
        self.journal = journal
        self.claimed = claimed
        self.clock = clock
        self.alerts = alerts
        self.logger = logger
    }

    /// - Returns: false when it could not be closed now; it stays open in the journal and is tried again later.
    @discardableResult
    func close(_ progress: FileProgress) async -> Bool {
        guard progress.isFinished, progress.file.finished == nil else { return true }
        let file = progress.file
        guard closing.withLock({ $0.insert(file.id).inserted }) else { return true }
        defer { closing.withLock { _ = $0.remove(file.id) } }
        return await putAway(progress) { () throws(JournalFailure) in
            CrashPoint.reach(.disposed)
            try await journal.finish(file: file.id, at: clock.now).value()
            CrashPoint.reach(.finished)
        }
    }

    /// Does with the claim of a finished file what was done before: a power cut takes back what was not synced.
    ///
    /// - Returns: as `close(_:)`.
    func putAwayAgain(_ file: JournalFile) async -> Bool {
        guard let progress = try? await journal.progress(ofFile: file.id) else { return false }
        return await putAway(progress) { () throws(JournalFailure) in }
    }

    private func putAway(
        _ progress: FileProgress,
        then record: () async throws(JournalFailure) -> Void
    ) async -> Bool {
        let file = progress.file
        // No delivery at all: no route took it, and `unmatched: quarantine` did.
        let isQuarantined = progress.states.isEmpty || progress.states.contains(.quarantined)
        do {
            let reasons = isQuarantined ? try await reasons(of: file) : []
            try await disposing.run(stoppable: { [self] stop throws(ClaimFailure) in
                try dispose(file, isQuarantined: isQuarantined, reasons: reasons, stop: stop)
            })
            try await record()
            return true
        } catch {
            // A long copy was cut because the agent stops; the next start makes it.
            if Task.isCancelled { return false }
            troubled.withLock { _ = $0.insert(file.folder) }
            logger.error(
                "delivered, but the source could not be put away",
                metadata: ["file": "\(file.path)", "then": "\(file.afterwards)", "cause": "\(error)"]
            )
            alerts.raise(
                .diskShort,
                subject: file.folder,
                code: "afterwards",
                text: "could not put away \(file.path), which is delivered: \(error)"
            )
            return false
        }
    }

    /// For people: where files lie that are delivered and could not be put away.
    var trouble: String? {
        let folders = troubled.withLock { $0.sorted() }
        return folders.isEmpty
            ? nil : "files of \(folders.joined(separator: ", ")) are delivered and could not be put away; they are tried again"
    }

    /// Files could not be put away, and nobody has tried them again since.
    var hasTrouble: Bool { troubled.withLock { !$0.isEmpty } }

    /// Tries what could not be put away again: `attempt` is to close all that is open. What is over is told when it comes again.
    func tryingAgain(_ attempt: () async -> Void) async {
        let before = troubled.withLock { folders in
            defer { folders = [] }
            return folders
        }
        await attempt()
        for folder in before.subtracting(troubled.withLock { $0 }) { alerts.clear(.diskShort, subject: folder) }
    }

    /// Closes the file if its deliveries have ended, by its number in the journal.
    ///
    /// - Returns: as `close(_:)`.
    @discardableResult
    func close(file: Int64) async -> Bool {
        do {
            guard let progress = try await journal.progress(ofFile: file) else { return true }
            return await close(progress)
        } catch {
            logger.error("the journal could not be asked", metadata: ["file": "\(file)", "cause": "\(error)"])
            return false
        }
    }

    private func reasons(of file: JournalFile) async throws(JournalFailure) -> [String] {
        let deliveries = try await journal.deliveries(ofFile: file.id)
        guard !deliveries.isEmpty else { return ["no route takes it"] }
        return deliveries.compactMap { delivery in
            delivery.failure.map { "\(delivery.partner): could not \($0.attempt): \($0.cause)" }
        }
    }

    private func dispose(_ file: JournalFile, isQuarantined: Bool, reasons: [String], stop: StopSign) throws(ClaimFailure) {
        guard !file.claim.inPlace else { return }
        let claim: Claim
        switch claimed.locate(file) {
        case .found(let found), .changed(let found): claim = found
        // Put away before, and the crash came before the journal knew; or never there, and then the reason is in the manifest.
        case .missing: return
        case .unavailable(let problem): throw .problem(problem)
        }
        let roots = claimed.roots(of: file.folder)
        if isQuarantined {
            try roots.quarantine(claim, reason: QuarantineNote.text(of: file, reasons: reasons, at: clock.now))
            return
        }
        switch AfterwardsText.afterwards(of: file.afterwards) {
        case .archive(let folder, _): try roots.archive(claim, to: folder, stop: stop)
        case .delete: try roots.delete(claim)
        case .keep, nil: break
        }
    }
}

/// The reason beside a quarantined file.
enum QuarantineNote {
    static func text(of file: JournalFile, reasons: [String], at time: Timestamp) -> [UInt8] {
        let note: [String: String] = [
            "folder": file.folder,
            "path": file.path.description,
            "pathBytes": Base64.text(of: file.path.bytes),
            "claim": file.claim.id,
            "reason": reasons.joined(separator: "\n"),
            "quarantined": time.description,
            "next": "`pouch trace \(file.path)` tells why; `pouch retry DELIVERY` tries again",
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // A dictionary of texts is always encodable.
        return (try? encoder.encode(note)).map { Array($0) } ?? []
    }
}
