import PouchKit

/// A watched tree holds drops and nothing of ours, and each drop has one folder.
struct FolderChecks {
    let folders: [FolderSettings]
    let resolve: (String) -> String

    private struct Place {
        let written: String
        let real: String
        let mark: Mark

        /// Bytes are compared: as texts, two names may be the same to Swift that are not to the kernel.
        func isSame(as other: Place) -> Bool { real.utf8.elementsEqual(other.real.utf8) }

        func isInside(_ other: Place) -> Bool {
            isSame(as: other) || real.utf8.starts(with: (other.real == "/" ? "/" : other.real + "/").utf8)
        }
    }

    /// Watched folders that share drops.
    func overlaps() -> [LocatedProblem] {
        let trees = folders.map { (place: place($0.watch.value, $0.watch.mark), isRecursive: $0.recursive) }
        return trees.indices.flatMap { index in trees[..<index].flatMap { overlap(trees[index], $0) } }
    }

    /// Watched folders that a folder of the agent or of a destination lies in, or around.
    func conflicts(of path: SettingsPath, at mark: Mark, called what: String) -> [LocatedProblem] {
        let ours = place(path, mark)
        return folders.flatMap { conflict(ours, what, with: place($0.watch.value, $0.watch.mark)) }
    }

    private func place(_ path: SettingsPath, _ mark: Mark) -> Place {
        Place(written: Quoted.shortened(path.written), real: resolve(path.absolute), mark: mark)
    }

    /// Reported at the one that is further down in the file.
    private func overlap(
        _ tree: (place: Place, isRecursive: Bool),
        _ other: (place: Place, isRecursive: Bool)
    ) -> [LocatedProblem] {
        let (place, otherPlace) = (tree.place, other.place)
        if place.isSame(as: otherPlace) {
            return [
                LocatedProblem(
                    at: place.mark, "'\(place.written)' is watched already, see line \(otherPlace.mark.line)",
                    hint: "one folder may have several routes")
            ]
        }
        let hint = "watch one of them, or give the outer one recursive: false"
        if other.isRecursive, place.isInside(otherPlace) {
            return [
                LocatedProblem(at: place.mark, "'\(place.written)' lies inside the watched '\(otherPlace.written)'", hint: hint)
            ]
        }
        if tree.isRecursive, otherPlace.isInside(place) {
            return [LocatedProblem(at: place.mark, "'\(place.written)' contains the watched '\(otherPlace.written)'", hint: hint)]
        }
        return []
    }

    private func conflict(_ ours: Place, _ what: String, with tree: Place) -> [LocatedProblem] {
        if ours.isInside(tree) {
            return [
                LocatedProblem(
                    at: ours.mark, "\(what) '\(ours.written)' lies inside the watched '\(tree.written)'",
                    hint: "files of the agent would be taken for drops: move \(what) elsewhere")
            ]
        }
        if tree.isInside(ours) {
            return [
                LocatedProblem(
                    at: ours.mark, "\(what) '\(ours.written)' contains the watched '\(tree.written)'",
                    hint: "drops would be taken for files of the agent: give \(what) a folder of its own")
            ]
        }
        return []
    }
}
