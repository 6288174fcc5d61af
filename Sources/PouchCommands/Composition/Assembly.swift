import PouchAgent
import PouchConfiguration
import PouchCrypto
import PouchKit
import PouchRouting
import PouchWatch

/// Hands each part of a configuration to the module that understands it, and collects what they object to.
struct Assembly {
    let parts: SoundParts
    private(set) var folders: [FolderPlan] = []
    private(set) var rules: [RouteRule] = []
    private(set) var partners: [PartnerPlan] = []
    private(set) var publisher: PublisherPlan?
    private(set) var problems: [ConfigurationProblem] = []

    init(parts: SoundParts) { self.parts = parts }

    mutating func assemble() {
        problems = IdentityCheck(parts: parts).problems()
        folders = parts.folders.compactMap { folder($0) }
        rules = parts.routes.compactMap { rule($0) }
        // A host that only publishes need not have the identities that store.
        if !parts.isPublisherOnly { partners = parts.partners.compactMap { partner($0) } }
        if let settings = parts.publish {
            let (made, found) = PublisherWiring(parts: parts).plan(settings)
            publisher = made
            problems += found
        }
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
        let catalog = DestinationCatalog(parts: parts)
        let (destination, found) = catalog.destination(of: settings)
        problems += found
        // Looked at before anything is given up, so that all mistakes are told at once.
        let seal = settings.seal.flatMap { sealPlan($0) }
        guard let destination else { return nil }
        refuseWatched(destination, of: settings)
        // Never unsealed where a seal is asked for.
        if settings.seal != nil, seal == nil { return nil }
        let limits = TransferBudget.Limits(
            bytesPerSecond: settings.limits.bandwidth?.bytesPerSecond,
            atOnce: settings.limits.atOnce
        )
        return PartnerPlan(
            name: settings.name.value, destination: destination, limits: limits, seal: seal,
            receipts: catalog.receipts(of: destination),
            settings: parts.meanings[settings.name.value].map { SHA256Hasher.digest(of: $0) })
    }

    /// `nil` when one of the certificates cannot be sealed to. One that is not valid now is no mistake of the file: an agent whose clock is
    /// wrong, or that has one partner too many, must start all the same. That partner's files wait.
    private mutating func sealPlan(_ settings: SealSettings) -> SealPlan? {
        let recipients = SealRecipients(paths: settings.to.map(\.value.absolute))
        let countBefore = problems.count { $0.severity == .error }
        for path in settings.to {
            do throws(SealProblem) { _ = try recipients.certificate(path.value.absolute) } catch {
                add(path.mark, "seal: \(error.text)", hint: error.hint)
            }
        }
        guard problems.count(where: { $0.severity == .error }) == countBefore else { return nil }
        for (path, recipient) in zip(settings.to, recipients.status(at: SystemClock().now).recipients) {
            guard let notice = recipient.notice else { continue }
            problems.append(parts.decoder.problem(.warning, at: path.mark, "seal: \(notice.text)", hint: notice.hint))
        }
        return SealPlan(recipients: recipients, suffix: settings.suffix)
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
