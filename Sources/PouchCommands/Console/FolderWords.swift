import PouchAgent
import PouchConfiguration
import PouchKit
import PouchWatch

/// What a folder does with its files, in words.
enum FolderWords {
    static func words(for readiness: Readiness, drop: DropPath) -> String {
        switch readiness {
        case .closed: "taken when it is closed after writing or moved in, and nobody holds it open for writing"
        case .quiet(let time): "taken when its size and time stay the same for \(DurationText.of(time))"
        case .marker(let template): "taken when its marker \(VisibleText.escaped(template.marker(of: drop.name))) is there"
        }
    }

    static func words(for afterwards: Afterwards) -> String {
        switch afterwards {
        case .archive(let folder, let keepFor):
            "archived in \(folder), kept " + (keepFor.map { "for \(DurationText.of(.seconds($0)))" } ?? "for ever")
        case .delete: "deleted after the last delivery"
        case .keep: "kept where they are"
        }
    }

    static func words(for policy: UnmatchedPolicy) -> String {
        switch policy {
        case .hold: "it stays where it is, is counted, and somebody is told"
        case .quarantine: "it goes to the quarantine"
        case .ignore: "it stays where it is and is ignored"
        }
    }
}
