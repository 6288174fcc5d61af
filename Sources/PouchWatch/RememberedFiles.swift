import PouchKit

/// Remembers files by 128 bits each for as long as the sweeps meet them. Bounded: what does not fit is not remembered.
struct RememberedFiles {
    private struct Fingerprint: Hashable {
        let high: Int
        let low: Int
    }

    private let capacity: Int
    private var current: Set<Fingerprint> = []
    /// What the sweep that is under way met, and what came meanwhile.
    private var next: Set<Fingerprint>?

    init(capacity: Int) { self.capacity = capacity }

    /// - Returns: true when it was not remembered before, and is now.
    mutating func insert(_ path: DropPath, _ detail: some Hashable) -> Bool {
        let fingerprint = Self.fingerprint(path, detail)
        if next.map({ $0.count < capacity }) == true { next?.insert(fingerprint) }
        guard current.count < capacity else { return false }
        return current.insert(fingerprint).inserted
    }

    /// Whether it is remembered; then it stays so after this sweep.
    mutating func meets(_ path: DropPath, _ detail: some Hashable) -> Bool {
        let fingerprint = Self.fingerprint(path, detail)
        guard current.contains(fingerprint) else { return false }
        next?.insert(fingerprint)
        return true
    }

    mutating func beginSweep() { next = [] }

    /// - Parameter isComplete: an incomplete sweep did not meet everything that is there.
    mutating func endSweep(isComplete: Bool) {
        if isComplete, let next { current = next }
        next = nil
    }

    /// Two hashes with different beginnings: by chance alike they are once in 2¹²⁸.
    private static func fingerprint(_ path: DropPath, _ detail: some Hashable) -> Fingerprint {
        var high = Hasher()
        high.combine(0)
        high.combine(path)
        high.combine(detail)
        var low = Hasher()
        low.combine(1)
        low.combine(path)
        low.combine(detail)
        return Fingerprint(high: high.finalize(), low: low.finalize())
    }
}
