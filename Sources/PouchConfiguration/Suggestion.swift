/// Finds what was probably meant.
package enum Suggestion {
    /// The nearest candidate, when it is near enough to be a slip of the finger.
    package static func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        return
            candidates
            .map { (candidate: $0, distance: distance(Array(text.lowercased()), Array($0))) }
            .filter { $0.distance <= min(3, (max(text.count, $0.candidate.count) + 2) / 3) }
            .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?
            .candidate
    }

    /// Damerau-Levenshtein (optimal string alignment): insertions, deletions, replacements and swaps of neighbours.
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, character) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(previous[column + 1] + 1, current[column] + 1, previous[column] + (character == other ? 0 : 1))
                if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
