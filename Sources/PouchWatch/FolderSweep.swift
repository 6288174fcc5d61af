import PouchFiles
import PouchKit

/// One walk through a folder, or through a part of it.
final class Sweep {
    let walk = TreeWalk()
    let isWhole: Bool
    let began: Duration
    let requests: [CheckedContinuation<SweepFigures?, Never>]
    var figures: SweepFigures
    var isLimitReached = false
    /// The first thing that could not be looked at.
    var failure: String?
    /// It could not for want of descriptors or memory: that passes.
    var isExhausted = false

    init(isWhole: Bool, began: Duration, figures: SweepFigures, requests: [CheckedContinuation<SweepFigures?, Never>] = []) {
        self.isWhole = isWhole
        self.began = began
        self.figures = figures
        self.requests = requests
    }

    func fail(_ problem: FileProblem) {
        figures.isComplete = false
        failure = failure ?? problem.description
        isExhausted = isExhausted || problem.isExhausted
    }
}

/// Sweeps: the truth that events only hint at.
extension FolderWatch {
    private static let pauseWhenExhausted: Duration = .seconds(2)

    /// Goes on with the sweeps that are under way, and begins those that are due. A new folder goes before everything.
    func sweep(atMost count: Int) async {
        if isOverflowed {
            isOverflowed = false
            await tell(.overflowed(folder: folder.path))
            wantedSweep = .overflow
        }
        guard root != nil else { return answerWithoutFolder() }
        if partialSweep == nil, let path = subtrees.popFirst() { await beginPartialSweep(of: path) }
        if let partialSweep { await goOn(partialSweep, atMost: count) }
        if fullSweep == nil, let cause = wantedSweep ?? (now >= nextSweep ? .schedule : nil) { await beginFullSweep(cause) }
        if let fullSweep { await goOn(fullSweep, atMost: count) }
    }

    /// Without a folder nothing can be said.
    private func answerWithoutFolder() {
        wantedSweep = nil
        var figures = SweepFigures(cause: .request, began: clock.now)
        figures.isComplete = false
        for request in sweepRequests { request.resume(returning: figures) }
        sweepRequests = []
    }

    private func beginFullSweep(_ cause: SweepFigures.Cause) async {
        wantedSweep = nil
        await checkRoot(.returned)
        // It is gone, or another one: then that is swept, next time round.
        guard let root, wantedSweep == nil else { return }
        let sweep = Sweep(
            isWhole: true, began: now, figures: SweepFigures(cause: cause, began: clock.now), requests: sweepRequests)
        sweepRequests = []
        tree.beginSweep()
        told.beginSweep()
        known.beginSweep()
        fullSweep = sweep
        do throws(FileProblem) {
            let status = try root.handle.status()
            try await enter(root.handle, status, path: [], in: nil, as: [], sweep)
        } catch {
            sweep.fail(error)
        }
    }

    private func beginPartialSweep(of path: DropPath) async {
        guard let root else { return }
        let sweep = Sweep(isWhole: false, began: now, figures: SweepFigures(cause: .schedule, began: clock.now))
        do throws(FileProblem) {
            let holder =
                try path.parent.map { parent throws(FileProblem) in try root.handle.openFolder(parent.bytes) } ?? root.handle
            let holderIdentity = WatchTree.Identity(try holder.status().identity)
            let handle = try holder.openFolder(path.name)
            let status = try handle.status()
            guard let parent = tree.node(of: holderIdentity) else {
                wantedSweep = wantedSweep ?? .doubt
                return
            }
            partialSweep = sweep
            try await enter(handle, status, path: path.bytes, in: parent, as: path.name, sweep)
        } catch {
            partialSweep = nil
            // Gone again, or no folder any more: then there is nothing to look through.
            if !error.isMissing, !error.isSymlink { wantedSweep = wantedSweep ?? (error.isExhausted ? nil : .doubt) }
            if error.isExhausted { nextSweep = min(nextSweep, now + Self.pauseWhenExhausted) }
        }
    }

    private func goOn(_ sweep: Sweep, atMost count: Int) async {
        for _ in 0..<count {
            do throws(FileProblem) {
                guard let found = try sweep.walk.next() else { return await finish(sweep) }
                await meet(found, sweep)
            } catch {
                sweep.fail(error)
            }
        }
    }

    private func finish(_ sweep: Sweep) async {
        guard sweep.isWhole else {
            partialSweep = nil
            // What this one left unwatched or unread, a whole one tells of.
            if sweep.isLimitReached, enoughWatches == nil { wantedSweep = wantedSweep ?? .doubt }
            if sweep.isExhausted { nextSweep = min(nextSweep, now + Self.pauseWhenExhausted) }
            return
        }
        fullSweep = nil
        sweep.figures.duration = now - sweep.began
        if sweep.figures.isComplete { for watch in tree.removeUnmet() { library?.unwatch(watch) } }
        told.endSweep(isComplete: sweep.figures.isComplete)
        known.endSweep(isComplete: sweep.figures.isComplete)
        nextSweep = now + (sweep.isExhausted ? min(folder.sweepEvery, Self.pauseWhenExhausted) : folder.sweepEvery)
        if let failure = sweep.failure, failure != toldFailure { await tell(.sweepFailed(folder: folder.path, cause: failure)) }
        toldFailure = sweep.failure
        await tellLimit(sweep)
        await receiver.swept(sweep.figures, in: index)
        for request in sweep.requests { request.resume(returning: sweep.figures) }
    }

    /// Told once; again when even what was suggested then is not enough any more.
    private func tellLimit(_ sweep: Sweep) async {
        guard sweep.isLimitReached, let library else { return enoughWatches = nil }
        let unwatched = sweep.figures.unwatchedDirectories
        let need = library.watchCount + unwatched
        if let enoughWatches, need <= enoughWatches { return }
        enoughWatches = WatchNotice.suggestion(for: need)
        await tell(
            .watchLimit(folder: folder.path, unwatched: unwatched, need: need, limit: min(library.limit, budget.limit)))
    }
}
