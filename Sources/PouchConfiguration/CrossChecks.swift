import PouchKit

/// What can only be seen when the sections are compared.
struct CrossChecks {
    let draft: Draft
    /// The whole file: a partner with a problem is not in the draft, and is a partner all the same.
    let root: ConfigurationNode
    /// Where a path really leads, symbolic links resolved.
    let resolve: (String) -> String

    func problems() -> [LocatedProblem] {
        routeNames() + routeTargets() + idlePartners() + idleIdentities() + FolderChecks(draft: draft, resolve: resolve).problems()
    }

    private func routeNames() -> [LocatedProblem] {
        var lines: [RouteName: Int] = [:]
        return draft.routes.compactMap { route in
            defer { lines[route.name.value] = lines[route.name.value] ?? route.name.mark.line }
            return lines[route.name.value].map {
                LocatedProblem(
                    at: route.name.mark, "duplicate route '\(route.name.value)'", hint: "it stands in line \($0) already")
            }
        }
    }

    private func routeTargets() -> [LocatedProblem] {
        let partners = entries(of: "partners").map(\.key)
        return draft.routes.flatMap(\.to).filter { !partners.contains($0.value.description) }.map { name in
            let meant = Suggestion.nearest(to: name.value.description, among: partners).map { "did you mean '\($0)'?" }
            let all = partners.isEmpty ? nil : "the partners are \(partners.map(Quoted.shortened).joined(separator: ", "))"
            return LocatedProblem(at: name.mark, "there is no partner '\(name.value)'", hint: meant ?? all)
        }
    }

    private func idlePartners() -> [LocatedProblem] {
        let named = Set(texts(in: root.mapping?["routes"]?.value))
        return entries(of: "partners").filter { !named.contains($0.key) }.map {
            LocatedProblem(.warning, at: $0.keyMark, "no route delivers to '\(Quoted.shortened($0.key))'")
        }
    }

    /// Which setting of an adapter names an identity is known to the adapter alone: a text that is the name counts as use.
    private func idleIdentities() -> [LocatedProblem] {
        let named = Set(texts(in: root.mapping?["partners"]?.value))
        return entries(of: "identities").filter { !named.contains($0.key) }.map {
            LocatedProblem(.warning, at: $0.keyMark, "no partner uses the identity '\(Quoted.shortened($0.key))'")
        }
    }

    private func entries(of section: String) -> [ConfigurationNode.Mapping.Entry] {
        root.mapping?[section]?.value.mapping?.entries ?? []
    }

    private func texts(in node: ConfigurationNode?) -> [String] {
        switch node?.content {
        case .scalar(let scalar): [scalar.text]
        case .sequence(let nodes): nodes.flatMap { texts(in: $0) }
        case .mapping(let mapping): mapping.entries.flatMap { texts(in: $0.value) }
        case nil: []
        }
    }
}

/// A watched tree holds drops and nothing of ours, and each drop has one folder.
struct FolderChecks {
    let draft: Draft
    let resolve: (String) -> String

    private struct Place {
        let written: String
        let real: String
        let mark: Mark

        func isInside(_ other: Place) -> Bool { real == other.real || real.hasPrefix(other.real == "/" ? "/" : other.real + "/") }
    }

    func problems() -> [LocatedProblem] {
        let trees = draft.folders.map { (place: place($0.watch.value, $0.watch.mark), isRecursive: $0.recursive) }
        var problems: [LocatedProblem] = []
        for (index, tree) in trees.enumerated() {
            for other in trees[..<index] { problems += overlap(tree, other) }
        }
        if let state = draft.agent?.state {
            let state = place(state.value, state.mark)
            problems += trees.flatMap { conflict(state, "the state", with: $0.place) }
        }
        for folder in draft.folders {
            guard case .archive(let path, _) = folder.then.value else { continue }
            let archive = place(path, folder.then.mark)
            problems += trees.flatMap { conflict(archive, "the archive", with: $0.place) }
        }
        return problems
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
        if place.real == otherPlace.real {
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
