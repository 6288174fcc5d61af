import ArgumentParser
import Foundation
import PouchAgent
import PouchFiles
import PouchKit
import PouchRouting
import PouchWatch

/// `pouch explain FILE`
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says what would happen to a file, and why: settling, each route, keys, stages.",
        discussion: """
            Touches nothing. The file need not exist: then its size is unknown and taken as 0 (or give --size).

            Examples:
              pouch explain drop/reports/2026/north-17.csv
              pouch explain drop/not-there-yet.bin --size 6000000000
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "A path in one of the watched folders.", completion: .file()) var path: String
    @Option(help: "Assume this size in bytes.") var size: Int64?

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        guard let (folder, drop) = Self.place(absolute, in: blueprint.plan) else {
            throw Refusal(
                "\(VisibleText.escaped(absolute)) lies in no watched folder",
                hint: "watched: " + blueprint.plan.folders.map(\.watched.path).joined(separator: ", ")
            ).told()
        }
        let style = Style.output
        Terminal.print(style.bold("\(drop)") + " in \(folder.watched.path)")
        let found = try? OpenFile.open(absolute).status()
        for line in settling(drop, folder: folder, found: found) { Terminal.print("  \(line)") }
        let facts = DropFacts(
            folder: folder.watched.path,
            path: drop,
            size: size ?? found?.size ?? 0,
            admitted: SystemClock().now
        )
        let decision = blueprint.plan.router.decide(facts)
        Terminal.print("\nroutes")
        for verdict in decision.verdicts {
            Terminal.print("  " + (verdict.isMatch ? style.good("takes it  ") : style.faint("does not  ")) + "\(verdict.route)")
            for reason in verdict.captures.map(\.description) + verdict.reasons { Terminal.print("              \(reason)") }
        }
        if decision.isUnmatched { Terminal.print("\nno route takes it: \(FolderWords.words(for: blueprint.plan.unmatched))") }
        for delivery in decision.deliveries { describe(delivery, size: facts.size, in: blueprint.plan) }
    }

    static func place(_ absolute: String, in plan: AgentPlan) -> (FolderPlan, DropPath)? {
        for folder in plan.folders where absolute.hasPrefix(folder.watched.path + "/") {
            let relative = String(absolute.dropFirst(folder.watched.path.count + 1))
            if let drop = try? DropPath(relative) { return (folder, drop) }
        }
        return nil
    }

    private func settling(_ drop: DropPath, folder: FolderPlan, found: FileStatus?) -> [String] {
        if let reason = folder.watched.ignore.reason(for: drop) { return ["is ignored: \(reason)"] }
        if !folder.watched.recursive, drop.parent != nil { return ["is ignored: the folder is not watched recursively"] }
        let rule = FolderWords.words(for: folder.watched.ready, drop: drop)
        guard let found else { return ["is not there (or cannot be read); \(rule)"] }
        guard found.isRegular else { return ["is ignored: not a regular file but a \(found.kind)"] }
        return ["\(ByteText.of(found.size)); \(rule)", "afterwards: \(FolderWords.words(for: folder.afterwards))"]
    }

    private func describe(_ delivery: PlannedDelivery, size: Int64, in plan: AgentPlan) {
        Terminal.print("\nto \(delivery.partner), by \(delivery.route)")
        let partner = plan.partners.first { $0.name == delivery.partner }
        let key: DeliveryKey
        switch partner?.key(of: delivery) ?? delivery.key {
        case .failure(let failure):
            Terminal.print("  quarantined: \(failure.code.rawValue): \(failure)")
            return
        case .success(let made): key = made
        }
        Terminal.print("  key  \(VisibleText.escaped(key.description))")
        guard let partner else { return }
        if let seal = partner.seal?.recipients.status(at: SystemClock().now) {
            Terminal.print("  \(seal.words)")
            for notice in seal.notices { Terminal.print("    \(notice.text)") }
        }
        let traits = partner.destination.traits
        if let largest = traits.largestFile, size > largest {
            Terminal.print("  held: \(ByteText.of(size)) is more than this destination takes (\(ByteText.of(largest)))")
        }
        for (number, stage) in traits.stages.enumerated() {
            Terminal.print("  \(number + 1). \(stage.name)  in \(stage.place)" + (stage.identity.map { "  as \($0)" } ?? ""))
        }
        if traits.handsOver { Terminal.print("  then another publisher finishes") }
    }
}
