import PouchAgent
import PouchConfiguration
import PouchKit
import PouchRouting
import PouchWatch

/// Hands each part of a configuration to the module that understands it, and collects what they object to.
struct Assembly {
    let parts: SoundParts
    private(set) var folders: [FolderPlan] = []
    private(set) var rules: [RouteRule] = []
    private(set) var partners: [PartnerPlan] = []
    private(set) var problems: [ConfigurationProblem] = []

    init(parts: SoundParts) { self.parts = parts }

    mutating func assemble() {
        folders = parts.folders.compactMap { folder($0) }
        rules = parts.routes.compactMap { rule($0) }
        partners = parts.partners.compactMap { partner($0) }
    }

    // MARK: Folders

    private mutating func folder(_ settings: FolderSettings) -> FolderPlan? {
        let ready = readiness(settings.ready)
        let ignore = ignorePatterns(settings.ignore ?? [])
        guard let ready, let ignore else { return nil }
        let afterwards: Afterwards =
            switch settings.then.value {
            case .keep: .keep
            case .delete: .delete
            case .archive(let path, let keepFor):
                .archive(folder: path.absolute, keepFor: keepFor.map { $0.milliseconds / 1_000 })
            }
        let watched = WatchedFolder(
            path: settings.watch.value.absolute,
            recursive: settings.recursive,
            ready: ready,
            ignore: ignore,
            sweepEvery: settings.sweep.duration
        )
        return FolderPlan(watched: watched, afterwards: afterwards)
    }

    private mutating func readiness(_ readiness: FolderSettings.Readiness) -> Readiness? {
        switch readiness {
        case .closed: return .closed
        case .quiet(let time): return .quiet(time.value.duration)
        case .marker(let text):
            do {
                return .marker(try MarkerTemplate(text.value))
            } catch {
                add(text.mark, "marker: \(error)", hint: "for example { marker: \"{name}.done\" }")
                return nil
            }
        }
    }

    private mutating func ignorePatterns(_ texts: [Located<String>]) -> IgnorePatterns? {
        var sound: [String] = []
        for text in texts {
            do {
                _ = try IgnorePatterns([text.value])
                sound.append(text.value)
            } catch {
                add(text.mark, "ignore: \(error)")
            }
        }
        // Each of them was taken alone.
        return sound.count == texts.count ? try? IgnorePatterns(sound) : nil
    }

    // MARK: Routes

    /// Every pattern of a route is looked at, so that all their mistakes are told at once.
    private mutating func rule(_ settings: RouteSettings) -> RouteRule? {
        let folder = parse(settings.folder, absent: nil) { text throws(PatternError) in try Glob(text) }
        let path = parse(settings.path, absent: .everything) { text throws(PatternError) in try PathPattern(text) }
        let size = parse(settings.size, absent: .any) { text throws(PatternError) in try SizeCondition(text) }
        guard let path else { return nil }
        // Without the pattern its captures are unknown, and the template would be blamed for that.
        let captures = path.captureNames
        let template = parse(settings.as, absent: .path) { text throws(PatternError) in
            try KeyTemplate(text, captures: captures)
        }
        guard let size, let template, settings.folder == nil || folder != nil else { return nil }
        if template.isConstant {
            problems.append(
                parts.decoder.problem(
                    .warning,
                    at: settings.as.mark,
                    "as: every drop of the route \(settings.name.value) gets the same key",
                    hint: "use {name} or {path} in it"
                )
            )
        }
        return RouteRule(
            name: settings.name.value,
            folder: folder,
            path: path,
            size: size,
            partners: settings.to.map(\.value),
            template: template,
            stop: settings.stop
        )
    }

    /// - Parameter absent: what holds when nothing was written.
    private mutating func parse<Pattern>(
        _ text: Located<String>?,
        absent: Pattern?,
        _ read: (String) throws(PatternError) -> Pattern
    ) -> Pattern? {
        guard let text else { return absent }
        do {
            return try read(text.value)
        } catch {
            add(
                text.mark, "\(error.what) (character \(error.offset + 1) of '\(VisibleText.escaped(text.value))')", hint: error.hint
            )
            return nil
        }
    }

    // MARK: Partners

    private mutating func partner(_ settings: PartnerSettings) -> PartnerPlan? {
        let (destination, found) = DestinationCatalog(parts: parts).destination(of: settings)
        problems += found
        guard let destination else { return nil }
        refuseWatched(destination, of: settings)
        let limits = TransferBudget.Limits(
            bytesPerSecond: settings.limits.bandwidth?.bytesPerSecond,
            atOnce: settings.limits.atOnce
        )
        return PartnerPlan(name: settings.name.value, destination: destination, limits: limits)
    }

    /// What a local destination writes into a watched tree would be taken again, for ever.
    private mutating func refuseWatched(_ destination: any Destination, of settings: PartnerSettings) {
        guard let local = destination.traits.localFolder, let path = try? SettingsPath(local, in: parts.decoder.folder) else {
            return
        }
        problems += parts.conflicts(of: path, at: settings.adapter.mark, called: "the folder of \(settings.name.value)")
    }

    private mutating func add(_ mark: Mark, _ text: String, hint: String? = nil) {
        problems.append(parts.decoder.problem(.error, at: mark, text, hint: hint))
    }
}
