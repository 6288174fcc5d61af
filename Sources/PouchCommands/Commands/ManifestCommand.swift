import ArgumentParser
import PouchAgent
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest

/// `pouch manifest`
struct ManifestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest",
        abstract: "The record for others: shows and verifies it.",
        discussion: "The format is documented in docs/manifest.md; it verifies with a shell loop as well.",
        subcommands: [ManifestShowCommand.self, ManifestVerifyCommand.self]
    )
}

/// `pouch manifest show`
struct ManifestShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the manifest's entries.",
        discussion: """
            Examples:
              pouch manifest show --last 20
              pouch manifest show --partner acme --matching north
              pouch manifest show --json --outcome quarantined
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Option(help: "Only this partner's.") var partner: String?
    @Option(help: "Only delivered, quarantined or handed-over ones.") var outcome: String?
    @Option(help: "Only those whose path, key or delivery id contains this.") var matching: String?
    @Option(help: "Only the last so many of them.") var last: Int?
    @Flag(help: "The lines as they are in the file.") var json = false

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        var shown: [(bytes: [UInt8], entry: ManifestEntry)] = []
        do {
            try ManifestReader.forEachLine(in: JournalPlace.manifestFolder(state: blueprint.plan.state)) { bytes in
                guard let entry = try? ManifestEntry(line: bytes), isWanted(entry) else { return }
                shown.append((bytes, entry))
                if let last, shown.count > max(last, 0) * 2 + 64 { shown.removeFirst(shown.count - max(last, 0)) }
            }
        } catch {
            throw Refusal("\(error)").told()
        }
        for (bytes, entry) in last.map({ shown.suffix(max($0, 0)) }) ?? shown[...] {
            if json {
                Terminal.print(String(decoding: bytes, as: UTF8.self))
                continue
            }
            let digest = entry.file.sha256.map { "sha256 \($0.description.prefix(16))…" } ?? ""
            let place = entry.location ?? entry.reason.map { "\($0.code)" } ?? ""
            Terminal.print(
                "\(entry.sequence)  \(entry.time)  \(entry.outcome.rawValue)  \(entry.file.path) (\(ByteText.of(entry.file.size)))  "
                    + "to \(entry.partner)  \(VisibleText.escaped(place))  \(digest)"
            )
        }
    }

    private func isWanted(_ entry: ManifestEntry) -> Bool {
        if let partner, entry.partner.description != partner { return false }
        if let outcome, entry.outcome.rawValue != outcome { return false }
        if let matching {
            let texts = [entry.file.path.description, entry.key, entry.delivery.description, entry.location ?? ""]
            return texts.contains { $0.contains(matching) }
        }
        return true
    }
}

/// `pouch manifest verify`
struct ManifestVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Finds any altered, removed or reordered line, and names it.",
        discussion: """
            Compares the last line with the journal too: that shows a cut tail and a rewritten manifest. Without a journal (--file) the chain
            is checked by itself, and the verdict says `unanchored`. Exit code 0: good; 1: not.

            Examples:
              pouch manifest verify
              pouch manifest verify --file /mnt/audit/manifest.jsonl
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Option(name: .customLong("file"), help: "Verify this file by itself, without a journal.", completion: .file()) var path:
        String?

    func run() async throws {
        let report: ManifestVerification.Report
        do {
            if let path {
                report = try ManifestVerification.verify(file: path, head: nil)
            } else {
                let state = try file.load(quietly: true).plan.state
                let journal = try await Journal.openReadOnly(at: JournalPlace.path(state: state))
                let head = try await journal.head()
                let waiting = try await journal.snapshot(now: SystemClock().now).unwrittenLines
                report = try ManifestVerification.verify(
                    folder: JournalPlace.manifestFolder(state: state),
                    head: ManifestVerification.Head(
                        lastSequence: head.sequence - 1, digest: head.previous, unwritten: Int64(waiting))
                )
            }
        } catch {
            throw Refusal("\(error)").told()
        }
        for finding in report.findings { Terminal.complain("\(finding)") }
        let style = Style.output
        guard report.isGood else {
            Terminal.complain(
                "the manifest does not verify: \(report.findings.count + report.omitted) findings in \(report.lines) lines")
            throw ExitCode.failed
        }
        let anchor =
            if report.isAnchored {
                "the journal agrees"
            } else if path != nil {
                "unanchored: there was no journal to compare with"
            } else {
                "unanchored: the journal still has lines to write"
            }
        Terminal.print(style.good("the manifest is good") + ": \(report.lines) lines, \(anchor)")
    }
}
