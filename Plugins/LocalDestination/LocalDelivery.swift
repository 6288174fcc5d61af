import PouchFiles
import PouchKit

/// One attempt at one delivery.
struct LocalDelivery: Sendable {
    let file: OutgoingFile
    let context: DeliveryContext
    let plan: LocalPlan
    let threads: BlockingExecutor
    let known: DurableFolders
    private let started = ContinuousClock.now

    init(file: OutgoingFile, context: DeliveryContext, plan: LocalPlan, threads: BlockingExecutor, known: DurableFolders) {
        self.file = file
        self.context = context
        self.plan = plan
        self.threads = threads
        self.known = known
    }

    private var troubles: LocalTroubles {
        LocalTroubles(attempt: "deliver \(file.path) to \(VisibleText.escaped(plan.path))/\(context.key)", plan: plan)
    }

    func run(from checkpoint: Checkpoint?) async throws(DeliveryFailure) -> Receipt {
        let worker = PlacementWorker(plan: plan, delivery: context.delivery, known: known)
        let placement: SavedPlacement
        switch try await earlier(checkpoint, worker) {
        case .done(let done): return try await witnessed(done, worker, .byQuestion, renames: 0)
        case .written(let written): placement = written
        case .nothing: placement = try await written(worker)
        }
        return try await placed(placement, worker)
    }

    private enum Earlier {
        case nothing
        case written(SavedPlacement)
        case done(SavedPlacement)
    }

    /// What an earlier attempt left: asked of the folder, since the answer may have been lost.
    private func earlier(_ checkpoint: Checkpoint?, _ worker: PlacementWorker) async throws(DeliveryFailure) -> Earlier {
        if let saved = checkpoint.flatMap(SavedPlacement.init) {
            switch try await onThread({ () throws(FileProblem) in try worker.ask(for: saved) }) {
            case .final: return .done(saved)
            case .part:
                if saved.sha256 == (try await file.digests()).sha256 { return .written(saved) }
                await threads.run { worker.discard(saved) }
            case .nowhere: break
            }
        }
        // The first attempt of a new delivery has nothing to find.
        guard context.attempt > 1 || checkpoint != nil else { return .nothing }
        let (key, digests) = (context.key, try await file.digests())
        let found = try await onThread { () throws(FileProblem) in
            try worker.find([key, key.suffixed(for: context.delivery)], size: file.size, sha256: digests.sha256)
        }
        return found.map { .done($0) } ?? .nothing
    }

    /// Writes the part file: whole, synced, with everything that its reader is to see but the name.
    private func written(_ worker: PlacementWorker) async throws(DeliveryFailure) -> SavedPlacement {
        let (file, key, budget, troubles, report) = (file, context.key, context.budget, troubles, context)
        let deadline = started.advanced(by: budget.limits.deadline)
        let part = try await threads.run(stoppable: { (sign: StopSign) throws(DeliveryFailure) in
            var pace = Pace(budget: budget, deadline: deadline, stop: sign)
            return try worker.write(file, as: key, troubles) { sent in
                report.report(bytesSent: sent)
                return pace.mayGoOn(after: sent)
            }
        })
        do throws(DeliveryFailure) {
            let digests = try await file.digests()
            guard part.sha256 == digests.sha256 else {
                throw DeliveryFailure(
                    .sourceChanged, code: "source-changed", attempt: troubles.attempt,
                    cause: "what was read now has the SHA-256 \(part.sha256), and it was \(digests.sha256)")
            }
            try file.verifyUnchanged()
        } catch {
            await threads.run { worker.discard(part) }
            throw error
        }
        return part
    }

    /// Gives the part file its final name. Each name is saved before it is tried.
    private func placed(_ part: SavedPlacement, _ worker: PlacementWorker) async throws(DeliveryFailure) -> Receipt {
        var placement = part
        var renames = 0
        for key in names(startingWith: part.key) {
            placement = part.with(key)
            try await save(placement)
            renames += 1
            switch try await tried(placement, worker) {
            case .placed: return try await witnessed(placement, worker, .byAnswer, renames: renames)
            case .wasThere: return try await witnessed(placement, worker, .byQuestion, renames: renames)
            case .taken: continue
            }
        }
        await threads.run { worker.discard(part) }
        throw troubles.taken(placement.key)
    }

    /// The file has its name; the sidecar gets its own.
    private func witnessed(
        _ placement: SavedPlacement, _ worker: PlacementWorker, _ confirmation: Receipt.Confirmation, renames: Int
    ) async throws(DeliveryFailure) -> Receipt {
        try await onThread { () throws(FileProblem) in try worker.addSidecar(placement) }
        return receipt(for: placement, confirmation, renames: renames)
    }

    /// A part that can never be placed is removed; one that may be placed later waits, and its checkpoint leads to it.
    private func tried(_ part: SavedPlacement, _ worker: PlacementWorker) async throws(DeliveryFailure) -> PlacementWorker.Placing {
        do throws(DeliveryFailure) {
            return try await onThread { () throws(FileProblem) in try worker.place(part) }
        } catch {
            if error.remedy == .quarantine { await threads.run { worker.discard(part) } }
            throw error
        }
    }

    /// The names to try, one after the other.
    private func names(startingWith first: DeliveryKey) -> [DeliveryKey] {
        let suffixed = context.key.suffixed(for: context.delivery)
        return plan.whenTaken == .suffix && first != suffixed ? [first, suffixed] : [first]
    }

    private func save(_ placement: SavedPlacement) async throws(DeliveryFailure) {
        let checkpoint: Checkpoint
        do { checkpoint = try placement.checkpoint(target: TargetFingerprint("local:" + plan.path)) } catch {
            throw DeliveryFailure(.quarantine, code: "checkpoint", attempt: troubles.attempt, cause: "\(error)")
        }
        try await context.save(checkpoint)
    }

    private func receipt(for placement: SavedPlacement, _ confirmation: Receipt.Confirmation, renames: Int) -> Receipt {
        let path = plan.path + "/" + placement.key.description
        let took = (ContinuousClock.now - started).components
        var facts = [
            "path": path, "sha256": placement.sha256.description, "inode": String(placement.part.inode),
            "size": String(placement.part.size), "mode": FileMode.octal(plan.mode),
        ]
        if let sidecar = plan.sidecar { facts["sidecar"] = sidecar.name(for: placement.key) }
        if !plan.isSynced { facts["fsync"] = "off" }
        let record = StageRecord(
            stage: .place, identity: nil,
            facts: facts,
            requests: renames, milliseconds: took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000)
        return Receipt(
            location: FileURL.text(of: path), key: placement.key.description, confirmation: confirmation, stages: [record])
    }

    private func onThread<Answer: Sendable>(
        _ work: @escaping @Sendable () throws(FileProblem) -> Answer
    ) async throws(DeliveryFailure) -> Answer {
        do throws(FileProblem) { return try await threads.run(work) } catch { throw troubles.failure(error) }
    }
}

/// `file:///srv/inbox/a%20b.csv` (RFC 8089).
enum FileURL {
    static func text(of path: String) -> String {
        path.utf8.reduce(into: "file://") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + Hexadecimal.text(of: [byte]).uppercased()
            }
        }
    }
}
