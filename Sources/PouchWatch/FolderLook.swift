import PouchFiles
import PouchKit

/// From a hint to a verdict: the looks that `Settling` asks for.
extension FolderWatch {
    enum Outcome {
        case taken, known, waiting, refused, unreadable, gone
        case ignored(String)
    }

    /// One look into /proc serves all files that are due about the same time.
    private static let writersAge: Duration = .milliseconds(500)

    /// Looks again at the files whose time has come.
    func lookAgain(atMost count: Int) async {
        guard let root else { return }
        for _ in 0..<count {
            guard let path = candidates.popDue(at: now) else { break }
            _ = await consider(path, in: root.handle, as: path.bytes, nil)
        }
        if isBacklogged, candidates.count <= candidates.capacity / 2 {
            isBacklogged = false
            wantedSweep = wantedSweep ?? .backlog
        }
    }

    /// Looks at a file until there is a verdict, and acts on it.
    ///
    /// - Parameters:
    ///   - handle: a folder on the file's path, from which `relative` leads to the file.
    ///   - hint: what is known of it already; `nil`: only that it may be there.
    func consider(
        _ path: DropPath, in handle: DirectoryHandle, as relative: [UInt8], _ hint: Settling.Observation?
    ) async -> Outcome {
        var settling = candidates.settling(of: path) ?? Settling(folder.ready)
        var verdict = hint.map { settling.observe($0, at: now) } ?? .look
        var waiting = Outcome.waiting
        while true {
            switch verdict {
            case .look:
                let seen = look(handle, relative)
                if case .seen(let identity) = seen, known.meets(path, identity) {
                    candidates.forget(path)
                    return .known
                }
                verdict = settling.observe(seen, at: now)
            case .askLease:
                let (answer, trouble) = askLease(handle, relative)
                if trouble != nil { waiting = .unreadable }
                await tellTrouble(path, answer, trouble)
                verdict = settling.observe(answer, at: now)
            case .askWriters:
                verdict = settling.observe(askWriters(handle, relative), at: now)
            case .askMarker:
                verdict = settling.observe(.marker(isThere: marker(of: relative).map { isThere($0, handle) } ?? false), at: now)
            case .settled(let identity):
                switch await receiver.settled(
                    SettledDrop(path: path, identity: identity, marker: markerPath(of: path)), in: index)
                {
                case .taken:
                    candidates.forget(path)
                    return .taken
                case .known:
                    candidates.forget(path)
                    _ = known.insert(path, identity)
                    return .known
                case .refused(let delay):
                    waiting = .refused
                    verdict = settling.observe(.refused(retryAfter: delay), at: now)
                }
            case .wait(let due):
                // Without a time there is nothing to remember: an event or a sweep begins anew.
                if due == nil {
                    candidates.forget(path)
                } else if !candidates.keep(path, settling, until: due) {
                    isBacklogged = true
                }
                return waiting
            case .gone:
                candidates.forget(path)
                return .gone
            case .ignored(let reason):
                candidates.forget(path)
                await tellIgnored(path, reason)
                return .ignored(reason)
            }
        }
    }

    func tellIgnored(_ path: DropPath, _ reason: String) async {
        if told.insert(path, reason) { await receiver.ignored(path, reason: reason, in: index) }
    }

    func tellUnreadable(_ path: DropPath, _ problem: FileProblem) async {
        if told.insert(path, problem.errno) { await tell(.unreadable(path: path, cause: problem.cause)) }
    }

    private func tellTrouble(_ path: DropPath, _ answer: Settling.Observation, _ trouble: FileProblem?) async {
        if let trouble, !trouble.isExhausted { await tellUnreadable(path, trouble) }
        guard case .lease(.notPermitted, _) = answer, !isLeaseTold else { return }
        isLeaseTold = true
        await tell(.leaseNotPermitted(path: path))
    }

    private func look(_ handle: DirectoryHandle, _ relative: [UInt8]) -> Settling.Observation {
        do throws(FileProblem) {
            let status = try handle.status(of: relative)
            return status.isRegular ? .seen(status.identity) : .notAFile(status.kind)
        } catch {
            return Self.observation(of: error)
        }
    }

    /// The file is opened only after a look said that it is a regular one: to open a FIFO lets its writer go on, and a device may do anything.
    private func askLease(_ handle: DirectoryHandle, _ relative: [UInt8]) -> (Settling.Observation, FileProblem?) {
        do throws(FileProblem) {
            let file = try handle.openFile(relative)
            let lease = WriteLease.probe(descriptor: file.descriptor)
            // After the probe: what is written before it is in the identity.
            let status = try file.status()
            return (status.isRegular ? .lease(lease, status.identity) : .notAFile(status.kind), nil)
        } catch {
            let observation = Self.observation(of: error)
            if case .unreadable = observation { return (observation, error) }
            return (observation, nil)
        }
    }

    private func askWriters(_ handle: DirectoryHandle, _ relative: [UInt8]) -> Settling.Observation {
        let seen = look(handle, relative)
        guard case .seen(let identity) = seen else { return seen }
        let found: OpenWriters
        if let writers, writers.taken + Self.writersAge > now {
            found = writers.found
        } else {
            found = OpenWriters()
            writers = (now, found)
        }
        return .writers(found.finding(for: identity))
    }

    private func isThere(_ relative: [UInt8], _ handle: DirectoryHandle) -> Bool {
        // What cannot be looked at does not speak for its drop; the next sweep asks again.
        (try? handle.status(of: relative))?.isRegular ?? false
    }

    private func marker(of relative: [UInt8]) -> [UInt8]? {
        guard case .marker(let template) = folder.ready else { return nil }
        let start = relative.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? relative.startIndex
        return Array(relative[..<start]) + template.marker(of: Array(relative[start...]))
    }

    private func markerPath(of path: DropPath) -> DropPath? { marker(of: path.bytes).flatMap { try? DropPath(bytes: $0) } }

    private static func observation(of problem: FileProblem) -> Settling.Observation {
        if problem.isMissing { return .missing }
        if problem.isSymlink { return .notAFile(.symlink) }
        return .unreadable(isPassing: problem.isExhausted)
    }
}
