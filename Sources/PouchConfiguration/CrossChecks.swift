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
        var lines: [String: Int] = [:]
        return routes.compactMap { $0.node(at: ["name"]) }.compactMap { name in
            guard let text = name.scalar?.text else { return nil }
            defer { lines[text] = lines[text] ?? name.mark.line }
            return lines[text].map {
                LocatedProblem(
                    at: name.mark, "duplicate route '\(Quoted.shortened(text))'", hint: "it stands in line \($0) already")
            }
        }
    }

    private func routeTargets() -> [LocatedProblem] {
        guard root.mapping?["partners"]?.value.mapping != nil else { return [] }
        let partners = entries(of: "partners").map(\.key)
        let all = partners.isEmpty ? nil : "the partners are \(partners.map(Quoted.shortened).joined(separator: ", "))"
        return routes.compactMap { $0.node(at: ["to"]) }.flatMap { $0.sequence ?? [$0] }.compactMap { target in
            guard let name = target.scalar?.text, (try? PartnerName(name)) != nil, !partners.contains(name) else { return nil }
            let meant = Suggestion.nearest(to: name, among: partners).map { "did you mean '\($0)'?" }
            return LocatedProblem(at: target.mark, "there is no partner '\(name)'", hint: meant ?? all)
        }
    }

    /// As they stand in the file: one with another problem is looked at, too.
    private var routes: [ConfigurationNode] { root.mapping?["routes"]?.value.sequence ?? [] }

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

        /// Bytes are compared: as texts, two names may be the same to Swift that are not to the kernel.
        func isSame(as other: Place) -> Bool { real.utf8.elementsEqual(other.real.utf8) }

        func isInside(_ other: Place) -> Bool {
            isSame(as: other) || real.utf8.starts(with: (other.real == "/" ? "/" : other.real + "/").utf8)
        }
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
