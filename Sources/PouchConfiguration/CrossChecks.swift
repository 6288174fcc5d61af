import PouchKit

/// What can only be seen when the sections are compared.
struct CrossChecks {
    let draft: Draft
    /// The whole file: a partner with a problem is not in the draft, and is a partner all the same.
    let root: ConfigurationNode
    /// Where a path really leads, symbolic links resolved.
    let resolve: (String) -> String

    func problems() -> [LocatedProblem] {
        routeNames() + routeTargets() + idlePartners() + idleIdentities() + folderProblems() + publishTargets()
    }

    private func folderProblems() -> [LocatedProblem] {
        let checks = FolderChecks(folders: draft.folders, resolve: resolve)
        let state = draft.agent.map { checks.conflicts(of: $0.state.value, at: $0.state.mark, called: "the state") } ?? []
        let archives = draft.folders.flatMap { folder -> [LocatedProblem] in
            guard case .archive(let path, _) = folder.then.value else { return [] }
            return checks.conflicts(of: path, at: folder.then.mark, called: "the archive")
        }
        return checks.overlaps() + state + archives
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
        unknownPartners(among: routes.compactMap { $0.node(at: ["to"]) }.flatMap { $0.sequence ?? [$0] })
    }

    private func publishTargets() -> [LocatedProblem] {
        unknownPartners(among: root.mapping?["publish"]?.value.node(at: ["partners"])?.sequence ?? [])
    }

    private func unknownPartners(among targets: [ConfigurationNode]) -> [LocatedProblem] {
        guard root.mapping?["partners"]?.value.mapping != nil else { return [] }
        let partners = entries(of: "partners").map(\.key)
        let all = partners.isEmpty ? nil : "the partners are \(partners.map(Quoted.shortened).joined(separator: ", "))"
        return targets.compactMap { target in
            guard let name = target.scalar?.text, (try? PartnerName(name)) != nil, !partners.contains(name) else { return nil }
            let meant = Suggestion.nearest(to: name, among: partners).map { "did you mean '\($0)'?" }
            return LocatedProblem(at: target.mark, "there is no partner '\(name)'", hint: meant ?? all)
        }
    }

    /// As they stand in the file: one with another problem is looked at, too.
    private var routes: [ConfigurationNode] { root.mapping?["routes"]?.value.sequence ?? [] }

    private func idlePartners() -> [LocatedProblem] {
        guard root.mapping?["routes"] != nil || root.mapping?["publish"] == nil else { return [] }
        let named = Set(texts(in: root.mapping?["routes"]?.value))
        return entries(of: "partners").filter { !named.contains($0.key) }.map {
            LocatedProblem(.warning, at: $0.keyMark, "no route delivers to '\(Quoted.shortened($0.key))'")
        }
    }

    /// Which setting of an adapter names an identity is known to the adapter alone: a text that is the name counts as use.
    private func idleIdentities() -> [LocatedProblem] {
        let named = Set(texts(in: root.mapping?["partners"]?.value) + texts(in: root.mapping?["publish"]?.value))
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
