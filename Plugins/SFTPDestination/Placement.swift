import PouchHTTP
import PouchKit

/// Gives what lies under a temporary name its final one, and finds out what became of it where the answer was lost.
struct Placement: Sendable {
    enum Whereabouts: Sendable {
        case final, temporary, both, nowhere
    }

    private enum Placing {
        case placed(Receipt.Confirmation)
        case taken
    }

    let course: SFTPCourse

    private var plan: SFTPPlan { course.plan }
    private var names: RemoteNames { course.names }

    // MARK: Asking

    /// Where the file of the checkpoint is now. Its temporary name bears the delivery's id, and goes away with the rename; or when somebody
    /// clears up, and then a file of the same size under the final name is the one that was to be replaced. So all of it is compared, where
    /// it may be read.
    func whereabouts(of saved: SavedUpload) async throws(DeliveryFailure) -> Whereabouts {
        guard let path = saved.temporary else { return .nowhere }
        let temporary = try await course.look(at: path, withTime: true)
        let final = try await course.look(at: names.final(saved.key), withTime: true)
        switch (temporary, final) {
        case (nil, let found?):
            guard (found.size ?? saved.size) == saved.size else { return .nowhere }
            guard plan.checksSize || plan.whenTaken == .replace else { return .final }
            return try await course.isPrefix(names.final(saved.key), size: saved.size, wholly: true) ? .final : .nowhere
        case (nil, nil): return .nowhere
        case (let found?, nil): return (found.size ?? saved.size) == saved.size ? .temporary : .nowhere
        case (let found?, _?): return (found.size ?? saved.size) == saved.size ? .both : .nowhere
        }
    }

    /// The key under which this delivery's file lies, where no checkpoint tells: byte for byte our file, and not older than it. A
    /// stranger's file of the same bytes, as empty ones are, was there before.
    func delivered() async throws(DeliveryFailure) -> DeliveryKey? {
        let file = course.file
        for key in keys(startingWith: course.context.key) {
            guard let found = try await course.look(at: names.final(key), withTime: true), let size = found.size, size == file.size,
                let modified = found.modified
            else { continue }
            let isInTime = plan.keepsTime ? modified == file.modified.seconds : modified >= file.modified.seconds
            if isInTime, try await course.isPrefix(names.final(key), size: size, wholly: true) { return key }
        }
        return nil
    }

    func isTaken(_ key: DeliveryKey) async throws(DeliveryFailure) -> Bool {
        for path in [names.final(key)] + plan.sidecars.map({ names.sidecar($0, of: key).final }) {
            if try await course.exists(at: path) { return true }
        }
        return false
    }

    /// The names to try, one after the other.
    func keys(startingWith first: DeliveryKey) -> [DeliveryKey] {
        let suffixed = course.context.key.suffixed(for: course.context.delivery)
        return plan.whenTaken == .suffix && first != suffixed ? [first, suffixed] : [first]
    }

    func refuseLongNames(of key: DeliveryKey) throws(DeliveryFailure) {
        guard let flaw = names.flaw(of: key) else { return }
        throw DeliveryFailure(
            .quarantine, code: "name-too-long", attempt: course.attempt, cause: flaw, hint: "shorten it with the route's `as:`")
    }

    func taken(_ key: DeliveryKey) async -> DeliveryFailure {
        await course.lane.troubles(attempt: course.attempt).taken(names.final(key))
    }

    // MARK: Placing

    /// Each name is saved before it is tried.
    func placed(_ part: SavedUpload, from temporary: String) async throws(DeliveryFailure) -> Receipt {
        var last = part.key
        for key in keys(startingWith: part.key) {
            last = key
            guard case .placed(let confirmation) = try await place(part, from: temporary, as: key) else { continue }
            return try await receipt(for: key, confirmation)
        }
        await course.discard(part.temporaries)
        throw await taken(last)
    }

    private func place(
        _ part: SavedUpload, from temporary: String, as key: DeliveryKey
    ) async throws(DeliveryFailure) -> Placing {
        if plan.looksFirst, plan.whenTaken != .replace, try await isTaken(key) { return .taken }
        // A suffix, and a sidecar's ending after it, may be too much.
        try refuseLongNames(of: key)
        if plan.whenTaken == .replace { try await refuseForeignSidecars(of: key) }
        for kind in plan.sidecars { try await send(kind, of: key, to: names.sidecar(kind, of: key).temporary) }
        let saved = SavedUpload(
            .placing, key, temporary: temporary, sidecars: plan.sidecars.map { names.sidecar($0, of: key) }, of: course.file)
        try await course.save(saved)
        return try await renamed(saved, from: temporary, isFirstTry: true)
    }

    private func renamed(
        _ saved: SavedUpload, from temporary: String, isFirstTry: Bool
    ) async throws(DeliveryFailure) -> Placing {
        let trouble: SFTPLane.Trouble
        do throws(SFTPLane.Trouble) {
            try await course.verify(temporary, then: commands(for: saved, from: temporary))
            return .placed(.byAnswer)
        } catch {
            trouble = error
        }
        let usual = await course.failure(trouble, while: .rename)
        guard case .server(let failure) = trouble, failure.wasBegun, !Task.isCancelled else { throw usual }
        if let meaning = await course.unverified(temporary, failure) { throw meaning }
        switch try await whereabouts(of: saved) {
        case .final: return .placed(.byQuestion)
        case .temporary:
            // Over a session that had died unseen it was never asked.
            if isFirstTry, failure.usedKeptConnection, !failure.kind.isAnswer {
                return try await renamed(saved, from: temporary, isFirstTry: false)
            }
            throw usual
        case .both where plan.whenTaken == .replace: throw usual
        case .both:
            await course.discard(saved.sidecars.map(\.temporary))
            return .taken
        case .nowhere:
            throw DeliveryFailure(
                .retry, code: "taken-away", attempt: course.attempt,
                cause: "after \(failure.text), it is neither under its temporary nor under its final name",
                hint: "it is sent again; does somebody clear up at the partner's?")
        }
    }

    /// The data first: who waits for a sidecar finds the file there.
    private func commands(for saved: SavedUpload, from temporary: String) -> [SFTPCommand] {
        let final = names.final(saved.key)
        var commands: [SFTPCommand] = []
        if case .staging = plan.naming, plan.makesFolders {
            commands += names.folders(of: saved.key).map { .perhaps(.makeFolder($0)) }
        }
        if plan.whenTaken == .replace {
            // A sidecar of the old file must not vouch for the new one.
            commands += (saved.sidecars.map(\.final) + [final]).map { .perhaps(.remove($0)) }
        }
        commands.append(.rename(from: temporary, to: final))
        return commands + saved.sidecars.map { .rename(from: $0.temporary, to: $0.final) }
    }

    // MARK: Sidecars

    private func contents(of kind: SFTPSettings.Sidecar, for key: DeliveryKey) async throws(DeliveryFailure) -> [UInt8] {
        let digests = try await course.file.digests()
        return SidecarText.of(kind, for: key, course.context.delivery, size: course.file.size, digests.sha256)
    }

    private func send(_ kind: SFTPSettings.Sidecar, of key: DeliveryKey, to path: String) async throws(DeliveryFailure) {
        let upload = SFTPUpload(
            path: path, body: .bytes(try await contents(of: kind, for: key)), mode: plan.mode ?? 0o644,
            folderMode: plan.makesFolders ? plan.folderMode : nil)
        let after: [SFTPCommand] = plan.mode.map { [.setMode($0, of: path)] } ?? []
        _ = try await course.ask(.sidecar) { SFTPRequest(.upload(upload), after: after) }
    }

    /// Sees to it that each sidecar is there, whatever was lost on the way.
    private func completeSidecars(of key: DeliveryKey) async throws(DeliveryFailure) -> [String] {
        var paths: [String] = []
        for kind in plan.sidecars {
            let sidecar = names.sidecar(kind, of: key)
            paths.append(sidecar.final)
            if try await isComplete(kind, of: key, at: sidecar.final) { continue }
            guard plan.naming != .direct else {
                try await send(kind, of: key, to: sidecar.final)
                continue
            }
            try await send(kind, of: key, to: sidecar.temporary)
            let old: [SFTPCommand] = plan.whenTaken == .replace ? [.perhaps(.remove(sidecar.final))] : []
            let renaming = old + [.rename(from: sidecar.temporary, to: sidecar.final)]
            _ = try await course.ask(.rename) { SFTPRequest(before: renaming) }
        }
        return paths
    }

    /// Whether our sidecar lies there, byte for byte. Where nobody may read, what lies there is taken for ours.
    ///
    /// - Throws: when a stranger's file does, which nobody replaces.
    private func isComplete(
        _ kind: SFTPSettings.Sidecar, of key: DeliveryKey, at path: String
    ) async throws(DeliveryFailure) -> Bool {
        guard try await course.look(at: path, withTime: true) != nil else { return false }
        let own = try await contents(of: kind, for: key)
        guard plan.checksSize, let found = try await course.contents(at: path, upTo: SidecarText.longest), found != own else {
            return true
        }
        // Sent to its final name it may have been cut there.
        if plan.naming == .direct, own.starts(with: found) { return false }
        guard plan.whenTaken == .replace, SidecarText.isOne(found, kind, for: key) else {
            throw foreignSidecar(
                path, .hold, hint: "the file itself is there: remove what has its sidecar's name, then `pouch release`")
        }
        return false
    }

    /// With `when-taken: replace` a sidecar goes with its file; what else bears that name stays, be it a file that was delivered.
    func refuseForeignSidecars(of key: DeliveryKey) async throws(DeliveryFailure) {
        for kind in plan.sidecars where plan.checksSize {
            let path = names.sidecar(kind, of: key).final
            guard try await course.exists(at: path), let found = try await course.contents(at: path, upTo: SidecarText.longest),
                !SidecarText.isOne(found, kind, for: key)
            else { continue }
            throw foreignSidecar(path, .quarantine, hint: "is it a file that you deliver, too? then leave this sidecar: out")
        }
    }

    private func foreignSidecar(_ path: String, _ remedy: DeliveryFailure.Remedy, hint: String) -> DeliveryFailure {
        DeliveryFailure(
            remedy, code: "key-taken", attempt: course.attempt,
            cause: "\(VisibleText.escaped(path)) exists and is no sidecar of ours", hint: hint)
    }

    // MARK: The proof

    func receipt(for key: DeliveryKey, _ confirmation: Receipt.Confirmation) async throws(DeliveryFailure) -> Receipt {
        let path = names.final(key)
        let digests = try await course.file.digests()
        var facts = [
            "path": path, "size": String(course.file.size), "sha256": digests.sha256.description,
            "hostKey": course.lane.trust.recognised ?? "unknown",
        ]
        // After a rename by answer they were renamed with it.
        let sidecars =
            confirmation == .byAnswer && plan.naming != .direct
            ? plan.sidecars.map { names.sidecar($0, of: key).final } : try await completeSidecars(of: key)
        if !sidecars.isEmpty { facts["sidecars"] = sidecars.joined(separator: " ") }
        let record = StageRecord(
            stage: .place, identity: nil, facts: facts, requests: max(1, course.requests.value), milliseconds: course.milliseconds)
        return Receipt(location: plan.location(of: path), key: key.description, confirmation: confirmation, stages: [record])
    }
}
