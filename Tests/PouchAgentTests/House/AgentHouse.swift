import Foundation
import PouchAgent
import PouchConfiguration
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest
import PouchRouting
import PouchTestSupport
import PouchWatch
import Synchronization

/// Everything that an agent needs, in one temporary folder: a drop folder, a state folder, an archive, and far ends in memory.
final class AgentHouse: Sendable {
    let folder: TemporaryFolder
    let clock: any AgentClock
    /// Whom every drop is for, in this order.
    let partners: [(name: PartnerName, destination: ScriptedDestination)]
    let afterwards: Afterwards
    let unmatched: UnmatchedPolicy
    let path: PathPattern
    /// Partners whose files are sealed.
    let seals: Mutex<[PartnerName: SealPlan]>
    /// Of the first partner.
    let receipts: (any ReceiptShelf)?

    /// - Parameter path: what the only route takes.
    init(
        _ partners: [(name: PartnerName, destination: ScriptedDestination)],
        clock: any AgentClock = SystemClock(),
        then afterwards: Afterwards? = nil,
        unmatched: UnmatchedPolicy = .hold,
        path: PathPattern = .everything,
        seals: [PartnerName: SealPlan] = [:],
        receipts: (any ReceiptShelf)? = nil
    ) throws {
        self.receipts = receipts
        folder = try TemporaryFolder("house")
        self.partners = partners
        self.clock = clock
        self.afterwards = afterwards ?? .archive(folder: folder.path("archive"), keepFor: nil)
        self.unmatched = unmatched
        self.path = path
        self.seals = Mutex(seals)
        try folder.makeFolder("drop")
        let script = try folder.write("cat >> \"$1\"\n", to: "alert.sh")
        alertCommand = ["/bin/sh", script, folder.path("alerts.jsonl")]
    }

    convenience init(
        _ script: ScriptedDestination.Answer...,
        clock: any AgentClock = SystemClock(),
        then afterwards: Afterwards? = nil
    ) throws {
        try self.init([(Specimen.acme, ScriptedDestination(script))], clock: clock, then: afterwards)
    }

    private let alertCommand: [String]

    var drops: String { folder.path("drop") }
    var state: String { folder.path("state") }
    /// The first partner's.
    var destination: ScriptedDestination { partners[0].destination }

    var plan: AgentPlan {
        let seals = seals.withLock { $0 }
        return AgentPlan(
            name: "edge-test",
            state: state,
            folders: [FolderPlan(watched: WatchedFolder(path: drops, sweepEvery: .seconds(60)), afterwards: afterwards)],
            router: Router(rules: [RouteRule(name: Specimen.route, path: path, partners: partners.map(\.name))]),
            partners: partners.map {
                PartnerPlan(
                    name: $0.name, destination: $0.destination, limits: TransferBudget.Limits(atOnce: 4), seal: seals[$0.name],
                    receipts: $0.name == partners.first?.name ? receipts : nil)
            },
            unmatched: unmatched,
            alertCommand: alertCommand
        )
    }

    func open() async throws(AgentFailure) -> Agent {
        try await Agent.open(plan: plan, clock: clock, logger: Silence.logger)
    }

    /// One run until nothing is left to do.
    ///
    /// - Parameter first: what a person asks before it begins.
    @discardableResult
    func runOnce(patience: Duration = .seconds(600), asking first: ControlRequest...) async throws -> RunEnding {
        let agent = try await open()
        for request in first {
            let answer = await agent.answer(request) { _ in true }
            if case .refused(let text, _) = answer { throw Refused(text: text) }
        }
        return await agent.run(.once(patience: patience))
    }

    struct Refused: Error { let text: String }

    func drop(_ path: String, _ text: String) throws { try folder.write(text, to: "drop/" + path) }

    // MARK: What a run left behind

    func snapshot() async throws -> JournalSnapshot {
        try await Journal.openReadOnly(at: JournalPlace.path(state: state)).snapshot(now: clock.now)
    }

    func stories(of text: String) async throws -> [DeliveryStory] {
        try await Journal.openReadOnly(at: JournalPlace.path(state: state)).trace(text)
    }

    /// Its delivery waits for a later time.
    func isPutOff(_ text: String) async throws -> Bool {
        try await stories(of: text).first?.nextAttempt.map { $0 > clock.now } ?? false
    }

    /// The manifest's entries, of a manifest that verifies against the journal.
    func manifest() async throws -> [ManifestEntry] {
        let place = JournalPlace.manifestFolder(state: state)
        let head = try await Journal.openReadOnly(at: JournalPlace.path(state: state)).head()
        let report = try ManifestVerification.verify(
            folder: place,
            head: ManifestVerification.Head(lastSequence: head.sequence - 1, digest: head.previous)
        )
        guard report.isGood, report.isAnchored else { throw Refused(text: "\(report.findings)") }
        var lines: [[UInt8]] = []
        try ManifestReader.forEachLine(in: place) { lines.append($0) }
        return try lines.map { try ManifestEntry(line: $0) }
    }

    /// What the alert command was told.
    func alerts() throws -> [Alert] {
        guard folder.exists("alerts.jsonl") else { return [] }
        return try folder.text("alerts.jsonl").split(separator: "\n").map {
            try JSONDecoder().decode(Alert.self, from: Data($0.utf8))
        }
    }

    /// Relative paths of the files in a folder of the house; none when it is not there.
    func files(in relative: String) throws -> [String] { folder.exists(relative) ? try folder.names(in: relative) : [] }
}
