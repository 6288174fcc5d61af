import Synchronization

/// The faults that were asked for, and how often each was met.
package final class FaultBoard: Sendable {
    package struct Entry: Sendable, Codable {
        package let id: Int
        package let fault: Fault
        /// Requests that matched so far, and how many of them were hit.
        package var matched: Int
        package var hits: Int
    }

    private let entries = Mutex<[Entry]>([])

    package init() {}

    package func add(_ fault: Fault) -> Int {
        entries.withLock { entries in
            let id = (entries.last?.id ?? 0) + 1
            entries.append(Entry(id: id, fault: fault, matched: 0, hits: 0))
            return id
        }
    }

    package func removeAll() { entries.withLock { $0.removeAll() } }

    package var current: [Entry] { entries.withLock { $0 } }

    /// Counts the request against every fault that matches it; the first whose turn it is strikes.
    package func effect(on notes: RequestNotes) -> FaultEffect {
        let contents = notes.current
        let hit = entries.withLock { entries -> Entry? in
            var hit: Entry?
            for index in entries.indices where Self.matches(entries[index].fault.match, contents) {
                entries[index].matched += 1
                let match = entries[index].fault.match
                let first = match.nth ?? 1
                let times = match.times ?? 1
                guard hit == nil, entries[index].matched >= first, times == 0 || entries[index].matched < first + times else {
                    continue
                }
                entries[index].hits += 1
                hit = entries[index]
            }
            return hit
        }
        guard let hit else { return .none }
        notes.note { $0.fault = "\(hit.id): \(hit.fault.do.kind.rawValue)" }
        return FaultEffect(deed: hit.fault.do)
    }

    private static func matches(_ match: Fault.Match, _ contents: RequestNotes.Contents) -> Bool {
        (match.action.map { $0 == contents.action } ?? true) && (match.bucket.map { $0 == contents.bucket } ?? true)
            && (match.keyPrefix.map { prefix in contents.key.map { $0.utf8.starts(with: prefix.utf8) } ?? false } ?? true)
            && (match.caller.map { $0 == contents.callerName } ?? true)
    }
}
