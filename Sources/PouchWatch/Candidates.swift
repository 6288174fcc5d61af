import PouchKit

/// The files that are not settled yet and the times at which each is to be looked at again. Bounded.
struct Candidates {
    private struct Entry {
        var settling: Settling
        /// Tells the valid alarm of a file from the ones before it.
        var alarm: Int
    }

    private struct Alarm {
        let due: Duration
        let number: Int
        let path: DropPath
    }

    let capacity: Int
    private var entries: [DropPath: Entry] = [:]
    /// A binary heap, the earliest first.
    private var alarms: [Alarm] = []
    private var alarmCount = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }
    var nextDue: Duration? { alarms.first?.due }

    func settling(of path: DropPath) -> Settling? { entries[path]?.settling }

    /// - Returns: false when there is no room: the next sweep finds the file again.
    mutating func keep(_ path: DropPath, _ settling: Settling, until due: Duration?) -> Bool {
        guard entries.count < capacity || entries[path] != nil else { return false }
        alarmCount += 1
        entries[path] = Entry(settling: settling, alarm: alarmCount)
        if let due { push(Alarm(due: due, number: alarmCount, path: path)) }
        // What was superseded stays in the heap until its time; too much of that is thrown out at once.
        if alarms.count > 2 * capacity + 64 { dropSuperseded() }
        return true
    }

    mutating func forget(_ path: DropPath) { entries[path] = nil }

    mutating func removeAll() {
        entries = [:]
        alarms = []
    }

    /// A file whose time has come; its entry stays.
    mutating func popDue(at now: Duration) -> DropPath? {
        while let first = alarms.first, first.due <= now {
            popFirst()
            if entries[first.path]?.alarm == first.number { return first.path }
        }
        return nil
    }

    private mutating func dropSuperseded() {
        let valid = alarms.filter { entries[$0.path]?.alarm == $0.number }
        alarms = []
        for alarm in valid { push(alarm) }
    }

    private mutating func push(_ alarm: Alarm) {
        alarms.append(alarm)
        var child = alarms.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard alarms[child].due < alarms[parent].due else { return }
            alarms.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() {
        alarms.swapAt(0, alarms.count - 1)
        alarms.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < alarms.count else { return }
            let right = left + 1
            let smaller = right < alarms.count && alarms[right].due < alarms[left].due ? right : left
            guard alarms[smaller].due < alarms[parent].due else { return }
            alarms.swapAt(parent, smaller)
            parent = smaller
        }
    }
}
