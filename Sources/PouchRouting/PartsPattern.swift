/// Patterns of parts, in groups with a `**` between each two. What `PartPattern` is for the characters of one part, this
/// is for the parts of a path, and it is matched in the same way.
struct PartsPattern: Hashable, Sendable {
    /// One group: no `**`. An empty group at the beginning or the end stands for a `**` there.
    let groups: [[PartPattern]]

    var captureNames: [String] { groups.joined().flatMap(\.captureNames) }

    /// A pattern that begins with `**` takes absolute folders too.
    var beginsWithAnyParts: Bool { groups.count > 1 && groups[0].isEmpty }

    /// `reports/**` takes what lies in `reports`, not a file of that name; `**` alone takes everything.
    private var needsRest: Bool { groups.count > 1 && groups[groups.count - 1].isEmpty && groups.contains { !$0.isEmpty } }

    func match(_ parts: [NameCharacters]) -> [Capture]? {
        guard case .matched(let captures) = compare(parts) else { return nil }
        return captures
    }

    /// Why the path does not match: "the last part must end in '.csv'"; `nil` when it does.
    func objection(to parts: [NameCharacters]) -> String? {
        guard case .objection(let words) = compare(parts) else { return nil }
        return words
    }

    private enum Comparison {
        case matched([Capture])
        case objection(String)
    }

    private func compare(_ parts: [NameCharacters]) -> Comparison {
        let (first, last) = (groups[0], groups[groups.count - 1])
        guard groups.count > 1 else {
            guard parts.count == first.count else {
                return .objection("it has \(Self.counted(parts.count)), the pattern takes \(first.count)")
            }
            return compare(first, with: parts, at: 0)
        }
        let least = groups.reduce(0) { $0 + $1.count } + (needsRest ? 1 : 0)
        // What is wrong at the beginning or the end says more than a count does, so both are looked at first.
        let head = compare(first, with: parts, at: 0)
        guard case .matched(var captures) = head else { return head }
        let end = parts.count - last.count
        let tail = compare(last, with: parts, at: end)
        guard case .matched(let lastCaptures) = tail else { return tail }
        guard parts.count >= least else {
            return .objection("it has \(Self.counted(parts.count)), the pattern takes at least \(least)")
        }
        let room = needsRest ? end - 1 : end
        var position = first.count
        for group in groups.dropFirst().dropLast() {
            guard let place = (position..<max(position, room - group.count + 1)).first(where: { matches(group, parts, at: $0) }),
                case .matched(let found) = compare(group, with: parts, at: place)
            else { return .objection("no parts in the middle match '\(group.map(\.source).joined(separator: "/"))'") }
            captures += found
            position = place + group.count
        }
        return .matched(captures + lastCaptures)
    }

    private func matches(_ group: [PartPattern], _ parts: [NameCharacters], at start: Int) -> Bool {
        guard case .matched = compare(group, with: parts, at: start) else { return false }
        return true
    }

    private func compare(_ group: [PartPattern], with parts: [NameCharacters], at start: Int) -> Comparison {
        var captures: [Capture] = []
        for (index, pattern) in group.enumerated() {
            let place = start + index
            guard parts.indices.contains(place) else {
                return .objection("it has only \(Self.counted(parts.count))")
            }
            guard let found = pattern.match(parts[place]) else {
                return .objection(
                    "\(Self.ordinal(place, of: parts.count)) \(pattern.objection(to: parts[place]) ?? "does not match")")
            }
            captures += found
        }
        return .matched(captures)
    }

    private static func counted(_ count: Int) -> String { count == 1 ? "1 part" : "\(count) parts" }

    private static func ordinal(_ index: Int, of count: Int) -> String {
        index == count - 1 ? "the last part" : index == 0 ? "the first part" : "part \(index + 1)"
    }
}
