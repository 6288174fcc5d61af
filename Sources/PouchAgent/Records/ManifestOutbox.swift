import Logging
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest

/// Writes the manifest file from the journal: what the journal committed is appended in order, once, and only then forgotten there.
///
/// A crash between the two leaves lines that are in both; the file knows its last sequence and skips them.
final class ManifestOutbox: Sendable {
    private let journal: Journal
    private let folder: String
    private let clock: any AgentClock
    private let logger: Logger
    private let bell = Bell()

    init(journal: Journal, folder: String, clock: any AgentClock, logger: Logger) {
        self.journal = journal
        self.folder = folder
        self.clock = clock
        self.logger = logger
    }

    func ring() { bell.ring() }

    /// Runs until cancelled. Trouble with the manifest's disk is told and tried again; the lines are safe in the journal.
    func run() async {
        while !Task.isCancelled {
            do {
                try await drain()
                await bell.wait()
            } catch {
                logger.error(
                    "the manifest could not be written; its lines wait in the journal",
                    metadata: ["folder": "\(folder)", "cause": "\(error)"]
                )
                await bell.wait(atMost: .seconds(5), on: clock)
            }
        }
    }

    /// Writes everything that waits.
    func drain() async throws {
        while true {
            let lines = try await journal.outbox(limit: 512)
            guard let last = lines.last else { return }
            let folder = folder
            try await onBlockingThread { () throws(ManifestFileProblem) in
                var file = try ManifestFile.open(folder: folder)
                try file.append(lines.map { ManifestFile.Line(sequence: $0.sequence, bytes: $0.bytes) })
            }
            CrashPoint.reach(.recorded)
            try await journal.written(upTo: last.sequence).value()
        }
    }
}
