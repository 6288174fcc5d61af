import Logging
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest
import Synchronization

/// Writes the manifest file from the journal: what the journal committed is appended in order, once, and only then forgotten there.
///
/// A crash between the two leaves lines that are in both; the file knows its last sequence and skips them.
final class ManifestOutbox: Sendable {
    private let journal: Journal
    private let folder: String
    private let clock: any AgentClock
    private let alerts: AlertBell
    private let logger: Logger
    private let heartbeats: Heartbeats
    private let bell = Bell()
    private let latestTrouble = Mutex<String?>(nil)

    init(journal: Journal, folder: String, clock: any AgentClock, alerts: AlertBell, heartbeats: Heartbeats, logger: Logger) {
        self.heartbeats = heartbeats
        self.journal = journal
        self.folder = folder
        self.clock = clock
        self.alerts = alerts
        self.logger = logger
    }

    func ring() { bell.ring() }

    /// Why the manifest is behind; `nil`: it is not.
    var trouble: String? { latestTrouble.withLock { $0 } }

    /// Runs until cancelled. Trouble with the manifest's disk is told and tried again; the lines are safe in the journal.
    func run() async {
        let heartbeat = heartbeats.join("manifest") { [bell] in bell.ring() }
        defer { heartbeat.leave() }
        while !Task.isCancelled {
            await heartbeat.comesAround()
            do {
                try await drain()
                latestTrouble.withLock { $0 = nil }
                alerts.clear(.diskShort, subject: "manifest")
                await bell.wait()
            } catch {
                let text = "the manifest in \(folder) could not be written; its lines wait in the journal: \(error)"
                latestTrouble.withLock { $0 = text }
                alerts.raise(.diskShort, subject: "manifest", code: "manifest", text: text)
                // By the clock alone: with every delivery rings come, and a full disk would be asked each time.
                do { try await clock.sleep(for: .seconds(5)) } catch { return }
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
